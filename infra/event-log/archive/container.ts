import { createHash, hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';

import avro, { type Type } from 'avsc';

import type { StoredEvent } from '../codec.ts';
import { eventOf, recordOf, recordType, type EventRecord } from './event-record.ts';

/** A block is what is read to get at one event: some hundreds of events, before they are deflated. */
const blockBytes = 256 * 1024;
const syncBytes = 16;

/** See https://avro.apache.org/docs/1.12.0/specification/#object-container-files */
const headerType: Type = avro.Type.forSchema({
  type: 'record',
  name: 'Header',
  fields: [
    { name: 'magic', type: { type: 'fixed', name: 'Magic', size: 4 } },
    { name: 'meta', type: { type: 'map', values: 'bytes' } },
    { name: 'sync', type: { type: 'fixed', name: 'Sync', size: syncBytes } },
  ],
} as never);
const longType: Type = avro.Type.forSchema('long');

/** A block of a container file: where it lies, and what is in it. */
export interface Block {
  readonly offset: number;
  readonly bytes: number;
  /** Of these bytes, as they are in the file. */
  readonly sha256: string;
  readonly events: StoredEvent[];
}

/** Events as an Avro object container file, deflated in blocks: what any Avro reader takes. */
export async function* encodeContainer(events: AsyncIterable<StoredEvent>): AsyncGenerator<Buffer> {
  const encoder = new avro.streams.BlockEncoder(recordType, { codec: 'deflate', blockSize: blockBytes });
  const records = Readable.from(recordsOf(events));
  const piped = pipeline(records, encoder);
  // Its failure comes out of the encoder's own iteration as well; whoever gives up reading ends both.
  piped.catch(() => {});
  try {
    for await (const chunk of encoder) yield chunk as Buffer;
    await piped;
  } finally {
    records.destroy();
    encoder.destroy();
  }
}

async function* recordsOf(events: AsyncIterable<StoredEvent>): AsyncGenerator<EventRecord> {
  for await (const event of events) yield recordOf(event);
}

/** The blocks of a container file, one in memory at a time. Throws when the file is cut short or damaged. */
async function* readContainer(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Block> {
  let pending: Buffer = Buffer.alloc(0);
  let offset = 0;
  let sync: Buffer | null = null;
  for await (const chunk of chunks) {
    pending = Buffer.concat([pending, chunk]);
    if (sync === null) {
      const header = headerType.decode(pending, 0);
      if (header.value === undefined || header.offset < 0) continue;
      sync = Buffer.from(header.value.sync);
      offset = header.offset;
      pending = pending.subarray(offset);
    }
    for (let bytes = blockLength(pending); bytes !== null; bytes = blockLength(pending)) {
      const block = pending.subarray(0, bytes);
      if (!block.subarray(-syncBytes).equals(sync))
        throw new Error(`The archive is damaged before byte ${offset + bytes}.`);
      const sha256 = sha256Of(block);
      yield { offset, bytes, sha256, events: await decodeBlock(block, sha256) };
      offset += bytes;
      pending = pending.subarray(bytes);
    }
  }
  if (sync === null || pending.length > 0) throw new Error(`The archive is cut short after byte ${offset}.`);
}

/** Reads a container file to its end and tells of each block; returns the hash of all that was read. */
export async function readBack(
  chunks: AsyncIterable<Uint8Array>,
  see: (block: Block) => void | Promise<void>,
): Promise<{ sha256: string }> {
  const whole = createHash('sha256');
  async function* hashed() {
    for await (const chunk of chunks) {
      whole.update(chunk);
      yield chunk;
    }
  }
  for await (const block of readContainer(hashed())) await see(block);
  return { sha256: whole.digest('hex') };
}

/** How long the block is that begins here; null when it is not there as a whole. */
function blockLength(bytes: Buffer): number | null {
  const count = longType.decode(bytes, 0);
  if (count.offset < 0) return null;
  const size = longType.decode(bytes, count.offset);
  if (size.offset < 0) return null;
  const length = size.offset + size.value + syncBytes;
  return length <= bytes.length ? length : null;
}

function sha256Of(bytes: Buffer): string {
  return hash('sha256', bytes);
}

const inflate = promisify<Buffer, Buffer>(inflateRaw);

/** The events of one block. Throws unless its bytes are those that were written. */
export async function decodeBlock(block: Buffer, sha256: string): Promise<StoredEvent[]> {
  if (sha256Of(block) !== sha256)
    throw new Error('A block of the archive was changed: its hash is not that of the manifest.');
  const count = longType.decode(block, 0);
  const size = longType.decode(block, count.offset);
  const records = await inflate(block.subarray(size.offset, size.offset + size.value));
  const events: StoredEvent[] = [];
  for (let at = 0; events.length < count.value;) {
    const record = recordType.decode(records, at);
    if (record.offset < 0) throw new Error('A block of the archive holds fewer events than it says.');
    events.push(eventOf(record.value));
    at = record.offset;
  }
  return events;
}
