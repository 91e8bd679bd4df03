import { newBlock } from '../../keyspace/stream-block.ts';
import type { StreamBlock } from '../../keyspace/stream-block.ts';
import { entryAt } from '../../keyspace/stream-entries.ts';
import { addConsumer, addGroup, assign } from '../../keyspace/stream-group.ts';
import type { StreamGroup } from '../../keyspace/stream-group.ts';
import { msOf, seqOf, streamId } from '../../keyspace/stream-id.ts';
import type { StreamId } from '../../keyspace/stream-id.ts';
import { countUpTo } from '../../keyspace/stream-progress.ts';
import { idOfRecord, recordOf } from '../../keyspace/stream-record.ts';
import type { StreamRecord } from '../../keyspace/stream-record.ts';
import { StreamValue } from '../../keyspace/stream-value.ts';
import { readListpack } from './compact.ts';
import { TYPE } from './format.ts';
import type { RdbInput } from './input.ts';
import { each, whole } from './pauses.ts';
import type { Pause } from './pauses.ts';

/** Blocks between two looks at the clock. */
const SLICE_BLOCKS = 8;

const DELETED = 1;
const SAME_FIELDS = 2;

/** Reads a stream as any version since Redis 5 wrote it. */
export function* readStream(input: RdbInput, type: number): Generator<Pause, StreamValue> {
  const stream = new StreamValue();
  const blocks = yield* whole(input, () => input.length());
  yield* each(input, blocks, () => readBlock(input, stream), SLICE_BLOCKS);
  yield* whole(input, () => readCounters(input, stream, type));
  const groups = yield* whole(input, () => input.length());
  for (let i = 0; i < groups; i++) yield* readGroup(input, stream, type);
  return stream;
}

function readBlock(input: RdbInput, stream: StreamValue): void {
  const base = input.string();
  const blob = input.blob();
  const elements = readListpack(blob);
  const block = base.length === 16 && elements !== undefined ? unpack(base, elements, blob.length) : undefined;
  if (block === undefined) input.fail('a block of a stream is damaged');
  const before = stream.blocks.at(-1);
  const first = entryAt(block.entries, 0);
  if (before !== undefined && (base <= before.base || (first !== undefined && idOfRecord(first) <= before.top))) {
    input.fail('the entries of a stream are not in order');
  }
  if (first !== undefined) stream.appendBlock(block);
}

/** The entries of a listpack; undefined when they make no sense. */
function unpack(base: StreamId, elements: readonly string[], packed: number): StreamBlock | undefined {
  const fieldCount = Number(elements[2]);
  if (!(fieldCount >= 0) || elements[3 + fieldCount] !== '0') return undefined;
  const fields = elements.slice(3, 3 + fieldCount);
  const records: StreamRecord[] = [];
  const block: StreamBlock = { ...newBlock(base, [], 0), entries: records, fields, packed };
  const wanted = Number(elements[0]) + Number(elements[1]);
  let at = 4 + fieldCount;
  for (let entry = 0; entry < wanted; entry++) {
    const flags = Number(elements[at]);
    const id = idFrom(base, elements[at + 1], elements[at + 2]);
    if (id === undefined || (entry > 0 && id <= block.top)) return undefined;
    at += 3;
    const same = (flags & SAME_FIELDS) !== 0;
    const count = same ? fieldCount : Number(elements[at++]);
    const end = at + (same ? count : count * 2);
    if (!(count > 0) || end >= elements.length) return undefined;
    const words = same ? fields.flatMap((field, i) => [field, elements[at + i]!]) : elements.slice(at, end);
    at = end + 1;
    block.top = id;
    if ((flags & DELETED) === 0) records.push(recordOf(id, words, 0));
    else block.deleted++;
  }
  const live = records.length === Number(elements[0]);
  return live && at === elements.length ? block : undefined;
}

function idFrom(base: StreamId, ms: string | undefined, seq: string | undefined): StreamId | undefined {
  if (ms === undefined || seq === undefined || !/^-?\d+$/.test(ms) || !/^-?\d+$/.test(seq)) return undefined;
  const wrap = (value: number | bigint, by: string): bigint => BigInt.asUintN(64, BigInt(value) + BigInt(by));
  return streamId(wrap(msOf(base), ms), wrap(seqOf(base), seq));
}

function readId(input: RdbInput): StreamId {
  const ms = input.length64();
  return streamId(ms, input.length64());
}

function readCounters(input: RdbInput, stream: StreamValue, type: number): void {
  const size = input.length();
  if (size !== stream.size) input.fail(`a stream has ${stream.size} entries instead of ${size}`);
  stream.lastId = readId(input);
  if (stream.lastId < stream.lastEntryId) input.fail('a stream has entries after its last ID');
  stream.entriesAdded = size;
  if (type === TYPE.stream) return;
  // The first ID follows from the entries.
  readId(input);
  stream.maxDeletedId = readId(input);
  stream.entriesAdded = Number(input.length64());
}

interface Delivery {
  readonly deliveredAtMs: number;
  readonly deliveries: number;
}

function* readGroup(input: RdbInput, stream: StreamValue, type: number): Generator<Pause> {
  const { name, lastId, entriesRead } = yield* whole(input, () => {
    const groupName = input.string();
    const position = readId(input);
    const read = type === TYPE.stream ? undefined : BigInt.asIntN(64, BigInt(input.length64()));
    return { name: groupName, lastId: position, entriesRead: read };
  });
  if (stream.groups?.has(name) === true) input.fail('a stream has the same group twice');
  const group = addGroup(stream, name, lastId, Number(entriesRead ?? countUpTo(stream, lastId)));
  const deliveries = new Map<StreamId, Delivery>();
  const pending = yield* whole(input, () => input.length());
  yield* each(input, pending, () => {
    const id = input.text(16);
    const deliveredAtMs = input.int64();
    deliveries.set(id, { deliveredAtMs, deliveries: Number(input.length64()) });
  });
  const consumers = yield* whole(input, () => input.length());
  for (let i = 0; i < consumers; i++) yield* readConsumer(input, stream, group, deliveries, type);
  if (deliveries.size !== pending || group.pending.size !== pending) {
    input.fail('a pending entry of a stream has no consumer, or several');
  }
}

function* readConsumer(
  input: RdbInput,
  stream: StreamValue,
  group: StreamGroup,
  deliveries: ReadonlyMap<StreamId, Delivery>,
  type: number,
): Generator<Pause> {
  const { name, seenAtMs, activeAtMs } = yield* whole(input, () => {
    const consumerName = input.string();
    const seen = input.int64();
    return { name: consumerName, seenAtMs: seen, activeAtMs: type === TYPE.stream3 ? input.int64() : seen };
  });
  if (group.consumers.has(name)) input.fail('a group of a stream has the same consumer twice');
  const consumer = addConsumer(stream, group, name, seenAtMs);
  consumer.activeAtMs = activeAtMs;
  const count = yield* whole(input, () => input.length());
  yield* each(input, count, () => {
    const id = input.text(16);
    const delivery = deliveries.get(id);
    if (delivery === undefined || group.pending.get(id) !== undefined) {
      input.fail('a consumer of a stream has a pending entry its group does not have');
    }
    const entry = assign(stream, group, id, consumer, delivery.deliveredAtMs);
    entry.deliveries = delivery.deliveries;
  });
}
