import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Dict } from './dict.ts';
import { hashOf } from './key-hash.ts';

test('a dict behaves as a Map, through splits and merges', () => {
  const operation = fc.tuple(fc.constantFrom('set', 'set', 'delete'), fc.nat({ max: 3000 }));
  fc.assert(
    fc.property(
      fc.array(operation, { maxLength: 4000, minLength: 1000, size: 'max' }),
      fc.boolean(),
      (operations, empty) => {
        const dict = new Dict<number>();
        const model = new Map<string, number>();
        for (const [what, number] of operations) {
          const key = `key:${number}`;
          if (what === 'set')
            expect(dict.set(key, number)).toBe(!model.has(key) && model.set(key, number) !== undefined);
          else expect(dict.delete(key)).toBe(model.delete(key));
        }
        if (empty)
          for (const key of [...model.keys()].slice(3))
            expect([dict.delete(key), model.delete(key)]).toEqual([true, true]);
        expect(dict.size).toBe(model.size);
        const found = new Map<string, number>();
        dict.forEach((value, key) => found.set(key, value));
        expect(found).toEqual(model);
        for (const [key, value] of model) expect(dict.get(key)).toBe(value);
        if (dict.size > 0) expect(model.has(dict.randomKey()!)).toBe(true);
      },
    ),
    { numRuns: 30 },
  );
});

test('a scan returns every element that stays, exactly once, whatever is added and removed meanwhile', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2000 }),
      fc.integer({ min: 10, max: 60 }),
      fc.boolean(),
      (size, count, shrink) => {
        const dict = new Dict<number>();
        for (let i = 0; i < size; i++) dict.set(`stays:${i}`, i);
        for (let i = 0; i < 1500; i++) dict.set(`goes:${i}`, i);
        const seen: string[] = [];
        let cursor = 0;
        let round = 0;
        do {
          const before = seen.length;
          cursor = dict.scan(cursor, count, (_, key) => seen.push(key));
          expect(seen.length - before).toBeLessThanOrEqual(count + 5);
          if (shrink) for (let i = 0; i < 40; i++) dict.delete(`goes:${round * 40 + i}`);
          else for (let i = 0; i < 40; i++) dict.set(`comes:${round * 40 + i}`, i);
          round++;
        } while (cursor !== 0);
        const stays = seen.filter((key) => key.startsWith('stays'));
        expect(new Set(stays).size).toBe(size);
        expect(stays.length).toBe(size);
      },
    ),
    { numRuns: 10 },
  );
});

test('every key can be picked at random', () => {
  const dict = new Dict<number>();
  for (let i = 0; i < 1000; i++) dict.set(`k${i}`, i);
  const hits = new Map<string, number>();
  for (let i = 0; i < 50_000; i++) hits.set(dict.randomKey()!, 1);
  expect(hits.size).toBe(1000);
});

test('fetching ahead changes nothing, whether the keys are there or not', () => {
  const dict = new Dict<string>({ stamped: true });
  for (let i = 0; i < 20_000; i++) dict.set(`key:${i}`, `value:${i}`, i);
  expect(dict.isLarge).toBe(true);
  for (let i = 0; i < 40_000; i += 16) {
    const hashes = Int32Array.from({ length: 16 }, (_, n) => hashOf(`key:${i + n}`));
    dict.fetchAhead(hashes, 16);
  }
  expect(dict.size).toBe(20_000);
  for (let i = 0; i < 20_000; i++) expect([dict.get(`key:${i}`), dict.stampOf(`key:${i}`)]).toEqual([`value:${i}`, i]);
});
