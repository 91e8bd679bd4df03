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
  readonly events: StoredEvent[];
}

/** Events as an Avro object container file, deflated in blocks: what any Avro reader takes. */
export async function* encodeContainer(events: AsyncIterable<StoredEvent>): AsyncGenerator<Buffer> {
  const encoder = new avro.streams.BlockEncoder(recordType as never, { codec: 'deflate', blockSize: blockBytes });
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
export async function* readContainer(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Block> {
  let pending: Buffer = Buffer.alloc(0);
  let offset = 0;
  let sync: Buffer | null = null;
  for await (const chunk of chunks) {
    pending = Buffer.concat([pending, chunk]);
    if (sync === null) {
      const header = headerType.decode(pending, 0) as { value?: { sync: Buffer }; offset: number };
      if (header.value === undefined || header.offset < 0) continue;
      sync = Buffer.from(header.value.sync);
      offset = header.offset;
      pending = pending.subarray(offset);
    }
    for (let bytes = blockLength(pending); bytes !== null; bytes = blockLength(pending)) {
      const block = pending.subarray(0, bytes);
      if (!block.subarray(-syncBytes).equals(sync))
        throw new Error(`The archive is damaged before byte ${offset + bytes}.`);
      yield { offset, bytes, events: await decodeBlock(block) };
      offset += bytes;
      pending = pending.subarray(bytes);
    }
  }
  if (sync === null || pending.length > 0) throw new Error(`The archive is cut short after byte ${offset}.`);
}

/** How long the block is that begins here; null when it is not there as a whole. */
function blockLength(bytes: Buffer): number | null {
  const count = longType.decode(bytes, 0) as { offset: number };
  if (count.offset < 0) return null;
  const size = longType.decode(bytes, count.offset) as { value: number; offset: number };
  if (size.offset < 0) return null;
  const length = size.offset + size.value + syncBytes;
  return length <= bytes.length ? length : null;
}

const inflate = promisify<Buffer, Buffer>(inflateRaw);

/** The events of one block, as `readContainer` tells where it lies. */
export async function decodeBlock(block: Buffer): Promise<StoredEvent[]> {
  const count = longType.decode(block, 0) as { value: number; offset: number };
  const size = longType.decode(block, count.offset) as { value: number; offset: number };
  const records = await inflate(block.subarray(size.offset, size.offset + size.value));
  const events: StoredEvent[] = [];
  for (let at = 0; events.length < count.value;) {
    const record = recordType.decode(records, at) as { value: EventRecord; offset: number };
    if (record.offset < 0) throw new Error('A block of the archive holds fewer events than it says.');
    events.push(eventOf(record.value));
    at = record.offset;
  }
  return events;
}
