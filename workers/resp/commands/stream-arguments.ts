import type { Client } from '../clients/server.ts';
import { formatId, MAX_ID, MIN_ID, nextId, parseId, previousId } from '../keyspace/stream-id.ts';
import type { StreamId } from '../keyspace/stream-id.ts';
import { idOfRecord, wordsOf } from '../keyspace/stream-record.ts';
import type { StreamRecord } from '../keyspace/stream-record.ts';
import type { StreamValue } from '../keyspace/stream-value.ts';
import type { Reply } from '../protocol/reply.ts';
import { WINDOW, windows } from './walk.ts';
import type { Walk } from './walk.ts';

export const INVALID_ID = 'ERR Invalid stream ID specified as stream command argument';

/** Reads an ID that has to be a real one (not `-` or `+`); else replies with the error and returns undefined. */
export function idArg(client: Client, text: string): StreamId | undefined {
  const parsed = parseId(text);
  if (parsed === undefined) client.reply.error(INVALID_ID);
  return parsed?.id;
}

/** Reads the IDs that are the arguments from `from` on; replies with an error and returns undefined when one is none. */
export function* idArgs(
  client: Client,
  args: readonly string[],
  from: number,
): Generator<void, StreamId[] | undefined> {
  const ids: StreamId[] = [];
  for (let at = from; at < args.length; at++) {
    const id = idArg(client, args[at]!);
    if (id === undefined) return undefined;
    if (ids.push(id) % WINDOW === 0) yield;
  }
  return ids;
}

/** Reads an ID where `-` and `+` stand for the least and greatest; else replies with the error and returns undefined. */
export function edgeIdArg(client: Client, text: string, missingSeq: 0 | 'max' = 0): StreamId | undefined {
  if (text === '-') return MIN_ID;
  if (text === '+') return MAX_ID;
  const parsed = parseId(text, missingSeq);
  if (parsed === undefined) client.reply.error(INVALID_ID);
  return parsed?.id;
}

/** Reads the start of a range, `(` making it exclusive; else replies with the error and returns undefined. */
export function startArg(client: Client, text: string): StreamId | undefined {
  if (text.length < 2 || !text.startsWith('(')) return edgeIdArg(client, text);
  const id = idArg(client, text.slice(1));
  if (id === undefined) return undefined;
  const next = nextId(id);
  if (next === undefined) client.reply.error('ERR invalid start ID for the interval');
  return next;
}

/** Reads the end of a range, `(` making it exclusive; else replies with the error and returns undefined. */
export function endArg(client: Client, text: string): StreamId | undefined {
  if (text.length < 2 || !text.startsWith('(')) return edgeIdArg(client, text, 'max');
  const parsed = parseId(text.slice(1), 'max');
  if (parsed === undefined) {
    client.reply.error(INVALID_ID);
    return undefined;
  }
  const previous = previousId(parsed.id);
  if (previous === undefined) client.reply.error('ERR invalid end ID for the interval');
  return previous;
}

/** Replies with an entry: its ID, and its fields and values in turn. */
export function writeEntry(reply: Reply, record: StreamRecord): void {
  reply.array(2);
  reply.bulk(formatId(idOfRecord(record)));
  reply.bulks(wordsOf(record));
}

/** Up to `count` entries (0 means all) from `start` to `end`, or from `end` to `start`. */
export function entriesOf(
  stream: StreamValue,
  start: StreamId,
  end: StreamId,
  count: number,
  reverse = false,
): StreamRecord[] {
  const found: StreamRecord[] = [];
  const visit = (record: StreamRecord): boolean => found.push(record) !== count;
  if (start > end) return found;
  if (reverse) stream.reverseRange(start, end, visit);
  else stream.range(start, end, visit);
  return found;
}

/** As `entriesOf`, in steps. */
export function* entriesInSteps(
  stream: StreamValue,
  start: StreamId,
  end: StreamId,
  count: number,
  reverse = false,
): Generator<void, StreamRecord[]> {
  const found: StreamRecord[] = [];
  let [from, to] = [start, end];
  for (let left = count === 0 ? Infinity : count; left > 0;) {
    const wanted = Math.min(left, WINDOW);
    const some = entriesOf(stream, from, to, wanted, reverse);
    for (const record of some) found.push(record);
    const last = some.length < wanted ? undefined : idOfRecord(some.at(-1)!);
    const next = last === undefined ? undefined : reverse ? previousId(last) : nextId(last);
    if (next === undefined) break;
    if (reverse) to = next;
    else from = next;
    left -= some.length;
    yield;
  }
  return found;
}

/** Replies with a list of entries. */
export function* writeInSteps(reply: Reply, records: readonly StreamRecord[]): Walk {
  reply.array(records.length);
  yield* windows(records.length, (from, to) => {
    for (let i = from; i < to; i++) writeEntry(reply, records[i]!);
  });
}
