import { testDatabase } from '#test/tools/postgres.ts';
import { describe, expect, test } from 'vitest';

import type { EncodedAppend } from '../codec.ts';
import type { AppendResult, ExpectedVersion } from '../event-log.ts';
import {
  behindAnother,
  headNow,
  recordedAt,
  suiteOfAppends,
  testKeysBehindTheLock,
  whilePartitionIsDue,
} from '../testing/encoded-append.ts';
import { alone, appendAlone } from './append-alone.ts';
import { appendBatch } from './append-batch.ts';

const suite = suiteOfAppends(testDatabase);
const { appendOf, nameOf } = suite;

async function tryAlone(append: EncodedAppend): Promise<AppendResult> {
  const statement = alone(append);
  if (statement === null) throw new Error('This append has no statement of its own.');
  return appendAlone(suite.client, append, statement);
}

const shapes: [places: string, streams: [name: string, expected: ExpectedVersion, events: number][]][] = [
  ['c 0', [['c', 'no-stream', 1]]],
  ['c 0, c 1, c 2, c 3', [['c', 'no-stream', 4]]],
  ['a 2', [['a', 1, 1]]],
  ['a 2, a 3, c 0', [['a', 1, 2], ['c', 'no-stream', 1]]], // prettier-ignore
  ['c 0, c 1, b 1, d 0', [['c', 'no-stream', 2], ['b', 0, 1], ['d', 'no-stream', 1]]], // prettier-ignore
  ['b 1, a 2, a 3, a 4', [['b', 0, 1], ['a', 1, 3]]], // prettier-ignore
];

test.each(shapes)('%s are recorded by one statement, and found again', async (places, streams) => {
  const head = await headNow(suite.pool);
  const append = appendOf(3, ...streams);
  const wanted = places.split(', ');
  expect(await tryAlone(append)).toEqual(recordedAt(head + 1n, head + BigInt(wanted.length)));
  const { rows } = await suite.pool.query(
    `SELECT (position - $1)::int AS position, event_id, stream, version, type, schema_version, category, tenant_id, address, data,
            stream_id = (SELECT first_position FROM streams known WHERE known.stream = events.stream) AS sound
     FROM events WHERE position > $1 ORDER BY position`,
    [head],
  );
  const eventIds = append.streams.flatMap(({ events }) => events.map(({ eventId }) => eventId));
  expect(rows).toEqual(
    wanted.map((place, n) => {
      const [name = '', version] = place.split(' ');
      const ofCaller = { type: 'Said', schema_version: 1, category: 'node', tenant_id: 'tnt_1', address: null };
      const own = { position: n + 1, event_id: eventIds[n], stream: nameOf(name), version: Number(version) };
      return { ...ofCaller, ...own, data: Buffer.from(name), sound: true };
    }),
  );
  expect(await appendBatch(suite.client, [append])).toEqual([
    { ...recordedAt(head + 1n, head + BigInt(wanted.length)), repeated: true },
  ]);
});

const misfits: [what: string, append: () => EncodedAppend][] = [
  ['a command was there before', () => appendOf(1, ['c', 'no-stream', 1])],
  ['a new stream is there', () => appendOf(3, ['c', 'no-stream', 1], ['a', 'no-stream', 1])],
  ['a stream is further', () => appendOf(3, ['c', 'no-stream', 1], ['a', 0, 1])],
  ['a stream is not that far', () => appendOf(3, ['a', 2, 1], ['b', 0, 1])],
  ['a stream is not there', () => appendOf(3, ['b', 0, 1], ['c', 0, 1])],
  ['a stream is named twice', () => appendOf(3, ['a', 1, 1], ['a', 1, 1])],
];
test.each(misfits)('nothing at all is recorded when %s', async (_what, append) => {
  const head = await headNow(suite.pool);
  await expect(tryAlone(append())).rejects.toThrow(/violates|duplicate/);
  expect(await headNow(suite.pool)).toBe(head);
  expect(await tryAlone(appendOf(9, ['b', 0, 1], ['z', 'no-stream', 1]))).toEqual(recordedAt(head + 1n, head + 2n));
});

test('nor when a partition is due, which then is made', async () => {
  const head = await headNow(suite.pool);
  await whilePartitionIsDue(suite.client, async () => {
    await expect(tryAlone(appendOf(3, ['a', 1, 1]))).rejects.toThrow('partition');
    expect(await headNow(suite.pool)).toBe(head);
  });
  expect(await appendBatch(suite.client, [appendOf(3, ['a', 1, 1])])).toEqual([recordedAt(head + 1n, head + 1n)]);
  expect(await tryAlone(appendOf(4, ['a', 2, 1]))).toMatchObject({ ok: true });
});

test.each([
  ['any', appendOf(1, ['a', 'any', 1])],
  ['exists', appendOf(1, ['a', 'exists', 1])],
  ['a pin', appendOf(1, ['a', 1, 0], ['b', 0, 1])],
  ['five events', appendOf(1, ['a', 1, 3], ['b', 0, 2])],
  ['four streams', appendOf(1, ['a', 1, 1], ['b', 0, 1], ['c', 0, 1], ['d', 0, 1])],
  ['no streams', appendOf(1)],
])('%s has no statement of its own', (_what, append) => {
  expect(alone(append)).toBeNull();
});

describe('while it waits for the lock', () => {
  const behind = (first: EncodedAppend, append: EncodedAppend) =>
    behindAnother(suite.pool, first, () => tryAlone(append));

  test('a stream that moved on is noticed', async () => {
    await expect(behind(appendOf(3, ['a', 1, 1]), appendOf(4, ['a', 1, 1]))).rejects.toThrow('stream_id');
  });

  testKeysBehindTheLock(suite, behind);

  test('a stream that came to where it is expected is taken as the batch takes it: who looks first decides', async () => {
    const head = await headNow(suite.pool);
    const next = appendOf(4, ['a', 2, 1]);
    const [result] = await behindAnother(suite.pool, appendOf(3, ['a', 1, 1]), () => appendBatch(suite.client, [next]));
    expect(result).toEqual(recordedAt(head + 2n, head + 2n));
  });

  test('positions go on from what others have recorded', async () => {
    const head = await headNow(suite.pool);
    const ours = appendOf(4, ['d', 'no-stream', 1], ['a', 1, 1]);
    expect(await behind(appendOf(3, ['c', 'no-stream', 3]), ours)).toEqual(recordedAt(head + 4n, head + 5n));
  });
});
