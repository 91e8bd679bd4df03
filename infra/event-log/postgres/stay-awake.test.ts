import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { openStayAwake } from './stay-awake.ts';

/** How often the event loop comes round while an answer is waited for that takes so long. */
async function roundsDuring(stayAwake: (answer: Promise<unknown>) => void, answerMs: number): Promise<number> {
  let rounds = 0;
  const count = () => {
    rounds += 1;
  };
  const { setImmediate: real } = globalThis;
  const counted = ((look: () => void) => real(() => (count(), look()))) as typeof setImmediate;
  globalThis.setImmediate = counted;
  try {
    const answer = sleep(answerMs);
    stayAwake(answer);
    await answer;
    // Whoever still looks is given time to.
    await sleep(20);
    return rounds;
  } finally {
    globalThis.setImmediate = real;
  }
}

test('it looks until it is answered, or until it takes too long; where that is usual it does not begin', async () => {
  const stayAwake = openStayAwake(4);
  expect(await roundsDuring(stayAwake, 30)).toBeGreaterThan(0);
  expect(await roundsDuring(stayAwake, 30)).toBe(0);
});

test('what fails is only told to who asked', async () => {
  const answer = Promise.reject(new Error('gone'));
  openStayAwake(4)(answer);
  await expect(answer).rejects.toThrow('gone');
});

test('it stays asleep where there are few cores', async () => {
  expect(await roundsDuring(openStayAwake(2), 5)).toBe(0);
});
