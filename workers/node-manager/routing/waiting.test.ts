import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { shareHeadReads } from './head-reader.ts';
import { createProgress } from './position.ts';

test('a thousand questions at a time cost two reads, and no answer is older than its question', async () => {
  let [reads, head] = [0, 1n];
  const ask = shareHeadReads(async () => {
    reads += 1;
    const seen = head;
    await sleep(20);
    return seen;
  });
  const first = ask();
  head = 2n;
  const later = await Promise.all(Array.from({ length: 1000 }, () => ask()));
  expect(await first).toBe(1n);
  expect(new Set(later)).toEqual(new Set([2n]));
  expect(reads).toBe(2);
});

test('a read that fails does not stop the next', async () => {
  let fails = true;
  const ask = shareHeadReads(async () => {
    if (fails) throw new Error('away');
    return 7n;
  });
  await expect(Promise.all([ask(), ask()])).rejects.toThrow('away');
  fails = false;
  expect(await ask()).toBe(7n);
});

test('those who wait for a position are woken when it is reached, or told that it was not in time', async () => {
  const progress = createProgress(5n);
  expect(await progress.reached(5n, 0)).toBe(true);
  const [near, far] = [progress.reached(7n, 1000), progress.reached(9n, 20)];
  progress.advance(8n);
  progress.advance(6n);
  expect(progress.position).toBe(8n);
  expect(await near).toBe(true);
  expect(await far).toBe(false);
});
