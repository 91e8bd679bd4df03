import { testDatabase } from '#test/tools/postgres.ts';
import { describe, expect, test } from 'vitest';

import type { EncodedAppend } from '../codec.ts';
import type { AppendResult } from '../event-log.ts';
import {
  behindAnother,
  headNow,
  recordedAt,
  suiteOfAppends,
  testKeysBehindTheLock,
  whilePartitionIsDue,
} from '../testing/encoded-append.ts';
import { appendAtOnce, atOnce } from './append-at-once.ts';
import { appendBatch } from './append-batch.ts';

const suite = suiteOfAppends(testDatabase);
const { appendOf, nameOf } = suite;

function tryAtOnce(...batch: EncodedAppend[]): Promise<AppendResult[]> {
  const prepared = atOnce(batch);
  if (prepared === null) throw new Error('This batch is none that goes at once.');
  return appendAtOnce(suite.client, batch, prepared);
}

test('new streams, known ones and pins are recorded by one statement', async () => {
  const head = await headNow(suite.pool);
  const recorded = (first: bigint, last: bigint) => recordedAt(head + first, head + last);
  expect(
    await tryAtOnce(
      appendOf(3, ['c', 'no-stream', 1], ['a', 1, 2], ['d', 'no-stream', 2]),
      appendOf(4, ['e', 'no-stream', 3]),
      appendOf(5, ['b', 0, 0], ['f', 'no-stream', 1]),
    ),
  ).toEqual([recorded(1n, 5n), recorded(6n, 8n), recorded(9n, 9n)]);
  const { rows } = await suite.pool.query(
    `SELECT stream, (position - $1)::int AS position, version FROM events WHERE position > $1 ORDER BY position`,
    [head],
  );
  const places = ['c 0', 'a 2', 'a 3', 'd 0', 'd 1', 'e 0', 'e 1', 'e 2', 'f 0'];
  expect(rows).toEqual(
    places.map((place, n) => {
      const [name = '', version] = place.split(' ');
      return { stream: nameOf(name), position: n + 1, version: Number(version) };
    }),
  );
});

describe('nothing at all is recorded when', () => {
  const other = () => appendOf(9, ['z', 'no-stream', 1], ['b', 0, 1]);
  const misfits: [what: string, append: () => EncodedAppend][] = [
    ['a command was there before', () => appendOf(1, ['c', 'no-stream', 1])],
    ['a new stream is there', () => appendOf(3, ['a', 'no-stream', 1])],
    ['a stream is further', () => appendOf(3, ['a', 0, 1])],
    ['a stream is not that far', () => appendOf(3, ['a', 2, 1])],
    ['a stream is not there', () => appendOf(3, ['c', 0, 1])],
    ['a pinned stream has moved on', () => appendOf(3, ['c', 'no-stream', 1], ['a', 0, 0])],
    ['a pinned stream is not there', () => appendOf(3, ['c', 'no-stream', 1], ['d', 0, 0])],
  ];
  test.each(misfits)('%s', async (_what, append) => {
    const head = await headNow(suite.pool);
    await expect(tryAtOnce(other(), append())).rejects.toThrow();
    await expect(tryAtOnce(append(), other())).rejects.toThrow();
    expect(await headNow(suite.pool)).toBe(head);
    const [result] = await appendBatch(suite.client, [other()]);
    expect(result).toMatchObject({ ok: true, repeated: false });
  });

  test('a partition is due, which then is made', async () => {
    await whilePartitionIsDue(suite.client, () => expect(tryAtOnce(other())).rejects.toThrow());
    expect(await appendBatch(suite.client, [other()])).toMatchObject([{ ok: true }]);
    expect(await tryAtOnce(appendOf(3, ['c', 'no-stream', 1]))).toMatchObject([{ ok: true }]);
  });
});

test.each([
  ['any', appendOf(1, ['a', 'any', 1])],
  ['exists', appendOf(1, ['a', 'exists', 1])],
  ['a new stream without events', appendOf(1, ['a', 'no-stream', 0], ['b', 0, 1])],
  ['pins alone', appendOf(1, ['a', 1, 0])],
])('%s is left to who looks first', (_what, append) => {
  expect(atOnce([append])).toBeNull();
});

test('so is a stream that is named twice', () => {
  expect(atOnce([appendOf(1, ['a', 0, 1]), appendOf(2, ['a', 1, 1])])).toBeNull();
});

describe('while it waits for the lock', () => {
  const behind = (first: EncodedAppend, ...batch: EncodedAppend[]) =>
    behindAnother(suite.pool, first, () => tryAtOnce(...batch));

  test('a stream that moved on is noticed', async () => {
    await expect(behind(appendOf(3, ['a', 1, 1]), appendOf(4, ['a', 1, 1]))).rejects.toThrow(
      'not as an append expects',
    );
    await expect(behind(appendOf(5, ['a', 2, 1]), appendOf(6, ['c', 'no-stream', 1], ['a', 2, 0]))).rejects.toThrow(
      'not as an append expects',
    );
  });

  testKeysBehindTheLock(suite, behind);

  test('positions go on from what others have recorded', async () => {
    const head = await headNow(suite.pool);
    expect(
      await behind(appendOf(3, ['c', 'no-stream', 3]), appendOf(4, ['d', 'no-stream', 1], ['a', 1, 1], ['b', 0, 0])),
    ).toEqual([recordedAt(head + 4n, head + 5n)]);
  });
});
