import { ByteString } from '../keyspace/byte-string.ts';
import { made } from '../keyspace/large-text.ts';
import { isString } from '../keyspace/value.ts';
import type { StringValue } from '../keyspace/value.ts';
import type { Client } from '../clients/server.ts';
import type { Reply } from '../protocol/reply.ts';
import type { Walk } from './walk.ts';

/** What is made of bytes, or copied, from one step to the next. Texts that are longer than a million lie outside V8's heap. */
const PART_BYTES = 1_048_576;

/** Replies with the bytes `start` to `end` (exclusive) of a value; a text is there already, and bytes become one part by part. */
export function replyPart(reply: Reply, value: StringValue, start: number, end: number): Walk | undefined {
  if (typeof value === 'string') {
    reply.bulk(end - start === value.length ? value : value.slice(start, end));
    return undefined;
  }
  if (end - start > PART_BYTES) return replyInSteps(reply, value, start, end);
  reply.bulk(value.view().toString('latin1', start, end));
  return undefined;
}

function* replyInSteps(reply: Reply, value: ByteString, start: number, end: number): Walk {
  const pieces: string[] = [];
  const bytes = value.view();
  for (let at = start; at < end; at += PART_BYTES) {
    pieces.push(made(bytes.toString('latin1', at, Math.min(end, at + PART_BYTES))));
    yield;
  }
  reply.bulkOf(pieces);
}

/** Does what writes to a value in place, which has room for `length` bytes then: what is long is made ready for that in steps. */
export function withRoom(client: Client, key: string, length: number, write: () => void): Walk | undefined {
  const value = client.db.peek(key);
  const long = value !== undefined && isString(value) && value.length > PART_BYTES;
  if (long && (typeof value === 'string' || value.capacity < length))
    return moveAndWrite(client, key, length, value, write);
  write();
  return undefined;
}

function* moveAndWrite({ db }: Client, key: string, length: number, value: StringValue, write: () => void): Walk {
  if (typeof value === 'string') db.recast(key, yield* ByteString.inSteps(value, length));
  else yield* value.makeRoom(length);
  write();
}
