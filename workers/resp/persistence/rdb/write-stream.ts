import { sharesFields } from '../../keyspace/stream-block.ts';
import type { StreamBlock } from '../../keyspace/stream-block.ts';
import { countOf, entriesIn } from '../../keyspace/stream-entries.ts';
import { byName } from '../../keyspace/stream-group.ts';
import type { Consumer, StreamGroup } from '../../keyspace/stream-group.ts';
import { msOf, seqOf } from '../../keyspace/stream-id.ts';
import type { StreamId } from '../../keyspace/stream-id.ts';
import { idOfRecord, wordsOf } from '../../keyspace/stream-record.ts';
import type { StreamValue } from '../../keyspace/stream-value.ts';
import { ListpackWriter } from './listpack.ts';
import type { RdbOutput } from './output.ts';

/** How many blocks and pending entries are written between two looks at the clock. */
const SLICE = 2;
const SLICE_PENDING = 128;

const NONE = 0;
const SAME_FIELDS = 2;

/** Writes the body of a stream as Redis 7.0 does (RDB_TYPE_STREAM_LISTPACKS_2), and yields now and then. */
export function* writeStreamSliced(out: RdbOutput, stream: StreamValue): Generator<void> {
  out.size(stream.blocks.length);
  let blocks = 0;
  for (const block of stream.blocks) {
    writeText(out, block.base);
    const packed = packBlock(block);
    out.size(packed.length);
    out.rawBytes(packed);
    if (++blocks % SLICE === 0) yield;
  }
  out.size(stream.size);
  writeId(out, stream.lastId);
  writeId(out, stream.firstId);
  writeId(out, stream.maxDeletedId);
  out.size(stream.entriesAdded);
  const groups = byName(stream.groups);
  out.size(groups.length);
  for (const [name, group] of groups) yield* writeGroup(out, name, group);
}

function writeId(out: RdbOutput, id: StreamId): void {
  out.size64(msOf(id));
  out.size64(seqOf(id));
}

/** A string as it is: what looks like a number is no integer here. */
function writeText(out: RdbOutput, text: string): void {
  out.size(text.length);
  out.raw(text);
}

/** A block as a listpack; deleted entries are left out. */
function packBlock(block: StreamBlock): Buffer {
  const list = new ListpackWriter();
  list.addInteger(countOf(block.entries));
  list.addInteger(0);
  list.addInteger(block.fields.length);
  for (const field of block.fields) list.add(field);
  list.addInteger(0);
  const baseMs = BigInt(msOf(block.base));
  const baseSeq = BigInt(seqOf(block.base));
  for (const record of entriesIn(block.entries)) {
    const id = idOfRecord(record);
    const words = wordsOf(record);
    const same = sharesFields(block.fields, words, 0);
    list.addInteger(same ? SAME_FIELDS : NONE);
    addDifference(list, BigInt(msOf(id)) - baseMs);
    addDifference(list, BigInt(seqOf(id)) - baseSeq);
    if (!same) list.addInteger(words.length / 2);
    for (let i = same ? 1 : 0; i < words.length; i += same ? 2 : 1) list.add(words[i]!);
    list.addInteger(same ? words.length / 2 + 3 : words.length + 4);
  }
  return list.finish();
}

function addDifference(list: ListpackWriter, value: bigint): void {
  const number = Number(value);
  if (Number.isSafeInteger(number)) list.addInteger(number);
  else list.addBigInteger(value);
}

function* writeGroup(out: RdbOutput, name: string, group: StreamGroup): Generator<void> {
  writeText(out, name);
  writeId(out, group.lastId);
  // Unknown is -1, which is written as the unsigned integer with the same bits.
  out.size64(BigInt.asUintN(64, BigInt(group.entriesRead)));
  out.size(group.pending.size);
  let count = 0;
  for (const [id, { deliveredAtMs, deliveries }] of group.pending.from('')) {
    out.raw(id);
    out.milliseconds(deliveredAtMs);
    out.size64(BigInt.asUintN(64, BigInt(deliveries)));
    if (++count % SLICE_PENDING === 0) yield;
  }
  const consumers = byName(group.consumers);
  out.size(consumers.length);
  for (const [, consumer] of consumers) yield* writeConsumer(out, consumer);
}

function* writeConsumer(out: RdbOutput, { name, seenAtMs, pending }: Consumer): Generator<void> {
  writeText(out, name);
  out.milliseconds(seenAtMs);
  out.size(pending.size);
  let count = 0;
  for (const [id] of pending.from('')) {
    out.raw(id);
    if (++count % SLICE_PENDING === 0) yield;
  }
}
