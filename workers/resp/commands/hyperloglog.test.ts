import { expect, test } from 'vitest';
import { besideReference } from '#test/tools/beside-redis.ts';

const beside = besideReference();

async function both(requests: readonly (readonly string[])[]): Promise<string[]> {
  const [left, right] = await Promise.all([beside.ours.batch(requests), beside.theirs.batch(requests)]);
  expect(left).toEqual(right);
  return left;
}

test('the bytes and the estimates stay those of a real server, from empty over sparse to dense', async () => {
  for (let round = 0; round < 60; round++) {
    const elements = Array.from({ length: 50 }, (_, i) => `element ${round * 47 + i}`);
    await both([
      ['PFADD', 'a', ...elements],
      ['PFCOUNT', 'a'],
      ['GET', 'a'],
    ]);
  }
  const [length, big] = await both([
    ['STRLEN', 'a'],
    ['PFADD', 'b', ...Array.from({ length: 20_000 }, (_, i) => `other ${i}`)],
    ['PFCOUNT', 'a', 'b'],
    ['PFADD', 'c', 'x', 'element 1'],
    ['PFMERGE', 'c', 'a'],
    ['GET', 'c'],
    ['PFCOUNT', 'c'],
    ['PFMERGE', 'd', 'c', 'b'],
    ['PFCOUNT', 'd'],
    ['GET', 'd'],
  ]);
  expect([length, big]).toEqual([':12304\r\n', ':1\r\n']);
});

test('what is no HyperLogLog, or a damaged one, is refused', async () => {
  await both([
    ['SET', 's', 'text'],
    ['PFADD', 's', 'a'],
    ['PFCOUNT', 's'],
    ['PFMERGE', 't', 's'],
    ['RPUSH', 'l', 'a'],
    ['PFADD', 'l', 'a'],
    ['SET', 'n', '12'],
    ['PFCOUNT', 'n'],
    ['PFADD', 'h', 'a'],
    ['APPEND', 'h', 'more'],
    ['PFCOUNT', 'h'],
    ['PFCOUNT', 'h', 'x'],
    ['PFMERGE', 'h', 'x'],
  ]);
});
