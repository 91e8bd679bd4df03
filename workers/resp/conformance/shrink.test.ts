import { expect, test } from 'vitest';
import { shrink } from './shrink.ts';

test('what is left are the steps that matter, in their order', async () => {
  const steps = Array.from({ length: 1000 }, (_, i) => i);
  const least = await shrink(steps, (left) => {
    const at = left.indexOf(700);
    return Promise.resolve(left.includes(13) && left.includes(400) && at >= 0 ? at + 1 : undefined);
  });
  expect(least).toEqual([13, 400, 700]);
});
