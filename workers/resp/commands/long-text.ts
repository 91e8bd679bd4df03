import { ByteString } from '../keyspace/byte-string.ts';
import { LargeString } from '../keyspace/large-string.ts';
import { moved } from '../keyspace/large-text.ts';
import { isString } from '../keyspace/value.ts';
import type { StringValue } from '../keyspace/value.ts';
import type { Client } from '../clients/server.ts';
import { CHUNK_BYTES, takeChunk, type Chunk } from '../protocol/chunk.ts';
import type { Reply } from '../protocol/reply.ts';
import type { Walk } from './walk.ts';

/** What is longer is copied, or moved, in steps. */
const PART_BYTES = 262_144;

/** Replies with the bytes `start` to `end` (exclusive) of a value. */
export function replyPart(reply: Reply, value: StringValue, start: number, end: number): Walk | undefined {
  const all = end - start === value.length;
  if (typeof value === 'string') reply.bulk(all ? value : value.slice(start, end));
  else if (value instanceof LargeString && all) replyAll(reply, value);
  else if (end - start > PART_BYTES) return replyInSteps(reply, value, start, end);
  else reply.bulk(value.toString(start, end));
  return undefined;
}

/** Replies with a value, whole and at once: one in chunks as these chunks. */
export function replyAll(reply: Reply, value: StringValue): void {
  if (value instanceof LargeString) {
    for (const chunk of value.chunks) chunk.holders++;
    moved(value.length);
    reply.bulkOf(value.chunks);
  } else reply.bulk(typeof value === 'string' ? value : value.toString());
}

function* replyInSteps(reply: Reply, value: ByteString | LargeString, start: number, end: number): Walk {
  const chunks: Chunk[] = [];
  for (let at = start; at < end; at += CHUNK_BYTES) {
    const chunk = takeChunk();
    const stop = Math.min(end, at + CHUNK_BYTES);
    chunk.addBytes(value.slice(at, stop), 0, stop - at);
    chunks.push(chunk);
    yield;
  }
  moved(end - start);
  reply.bulkOf(chunks);
}

/** Does what writes to a value in place, which has room for `length` bytes then: what is long is made ready for that in steps. */
export function withRoom(client: Client, key: string, length: number, write: () => void): Walk | undefined {
  const value = client.db.peek(key);
  const long = value !== undefined && isString(value) && value.length > PART_BYTES;
  if (long && (!(value instanceof ByteString) || value.capacity < length))
    return moveAndWrite(client, key, length, value, write);
  write();
  return undefined;
}

function* moveAndWrite({ db }: Client, key: string, length: number, value: StringValue, write: () => void): Walk {
  if (value instanceof ByteString) yield* value.makeRoom(length);
  else db.recast(key, yield* ByteString.inSteps(value, length));
  write();
}
