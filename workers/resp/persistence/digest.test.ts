import { expect, test } from 'vitest';

import { KeyspaceDigest } from './digest.ts';
import { digestOf, hashOf, listOf, nodeOf, setOf, zsetOf } from './testing/keyspaces.ts';
import type { Entry } from './testing/keyspaces.ts';

const many = Array.from({ length: 2000 }, (_, i) => `member ${i}`);

function entry(over: Partial<Entry>): Entry {
  return { db: 0, key: 'k', value: 'v', expireAtMs: undefined, ...over };
}

test('the order of keys and elements makes no difference', () => {
  const a = [
    entry({ key: 'a' }),
    entry({ key: 's', value: setOf(many) }),
    entry({
      key: 'h',
      value: hashOf([
        ['1', '2'],
        ['3', '4'],
      ]),
    }),
  ];
  const b = [
    entry({
      key: 'h',
      value: hashOf([
        ['3', '4'],
        ['1', '2'],
      ]),
    }),
    entry({ key: 's', value: setOf([...many].reverse()) }),
    entry({ key: 'a' }),
  ];
  expect(digestOf(nodeOf(a))).toBe(digestOf(nodeOf(b)));
  expect(digestOf(nodeOf(a))).toMatch(/^sum-sha256:[0-9a-f]{64}$/);
});

test('every difference that a client could see makes another digest', () => {
  const variants = [
    [],
    [entry({})],
    [entry({ db: 1 })],
    [entry({ key: 'K' })],
    [entry({ value: 'V' })],
    [entry({ expireAtMs: 5 })],
    [entry({ expireAtMs: 6 })],
    [entry({ value: listOf(['v']) })],
    [entry({ value: setOf(['v']) })],
    [entry({ value: listOf(['a', 'b']) })],
    [entry({ value: listOf(['b', 'a']) })],
    [entry({ value: listOf(['ab']) })],
    [entry({ value: hashOf([['v', '1']]) })],
    [entry({ value: zsetOf([['v', 1]]) })],
    [entry({ value: zsetOf([['v', 1.5]]) })],
    [entry({ value: setOf(many) })],
    [entry({ value: setOf(many.slice(1)) })],
    [entry({ value: hashOf(many.map((field) => [field, '1'])) })],
    [entry({ value: hashOf(many.map((field, i) => [field, i === 7 ? '2' : '1'])) })],
    [entry({ value: 'x'.repeat(200_000) })],
    [entry({ value: `${'x'.repeat(199_999)}y` })],
  ].map((all) => digestOf(nodeOf(all)));
  expect(new Set(variants).size).toBe(variants.length);
});

test('two keys that trade their values make another digest', () => {
  const straight = digestOf(nodeOf([entry({ key: 'a', value: '1' }), entry({ key: 'b', value: '2' })]));
  expect(digestOf(nodeOf([entry({ key: 'a', value: '2' }), entry({ key: 'b', value: '1' })]))).not.toBe(straight);
});

test('a hundred thousand small keys take well under a second or two', () => {
  const digest = new KeyspaceDigest();
  const start = performance.now();
  for (let i = 0; i < 100_000; i++) digest.add(0, `key:${i}`, `value ${i}`, undefined);
  expect(performance.now() - start).toBeLessThan(2000);
  expect(digest.keys).toBe(100_000);
});
