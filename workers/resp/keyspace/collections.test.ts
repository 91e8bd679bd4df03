import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HashValue } from './hash-value.ts';
import { ListValue } from './list-value.ts';
import { DEFAULT_LIMITS } from './sizes.ts';
import { ZSetValue } from './zset-value.ts';

test('a list behaves as an array', () => {
  const operation = fc.tuple(
    fc.constantFrom('head', 'tail', 'insert', 'remove', 'popHead', 'popTail', 'set', 'trim'),
    fc.nat(),
    fc.nat(),
  );
  fc.assert(
    fc.property(fc.nat({ max: 600 }), fc.array(operation, { maxLength: 200, size: 'max' }), (initial, operations) => {
      const list = new ListValue();
      const model = Array.from({ length: initial }, (_, i) => String(i));
      for (const element of model) list.pushTail(element);
      for (const [what, a, b] of operations) {
        const element = `e${b}`;
        const at = model.length === 0 ? 0 : a % model.length;
        if (what === 'head') list.pushHead((model.unshift(element), element));
        else if (what === 'tail') list.pushTail((model.push(element), element));
        else if (what === 'insert') list.insert(at, (model.splice(at, 0, element), element));
        else if (what === 'popHead') expect(list.popHead()).toBe(model.shift());
        else if (what === 'popTail') expect(list.popTail()).toBe(model.pop());
        else if (model.length > 0) {
          if (what === 'remove') list.removeAt((model.splice(at, 1), at));
          else if (what === 'set') list.replace(at, (model[at] = element));
          else if (b % 5 === 0) {
            const end = at + (b % (model.length - at));
            list.trim(at, end);
            model.splice(0, model.length, ...model.slice(at, end + 1));
          }
        }
        expect(list.length).toBe(model.length);
      }
      const elements: string[] = [];
      list.forEach((element) => elements.push(element));
      expect(elements).toEqual(model);
      for (let i = 0; i < model.length; i += 17) expect(list.at(i)).toBe(model[i]);
      if (model.length > 2) {
        const part: string[] = [];
        list.range(1, model.length - 2, (element) => part.push(element));
        expect(part).toEqual(model.slice(1, -1));
      }
    }),
  );
});

test('a sorted set behaves as a sorted array, ranks and ranges included', () => {
  const operation = fc.tuple(
    fc.constantFrom('set', 'set', 'set', 'delete'),
    fc.nat({ max: 900 }),
    fc.integer({ min: -50, max: 50 }),
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 3000, size: 'max' }), fc.nat(), fc.nat(), (operations, from, to) => {
      const zset = new ZSetValue();
      const model = new Map<string, number>();
      for (const [what, name, score] of operations) {
        const member = `m${name}`;
        if (what === 'set')
          expect(zset.set(member, score)).toBe(!model.has(member) && model.set(member, score).size > 0);
        else expect(zset.delete(member)).toBe(model.delete(member));
        if (what === 'set') model.set(member, score);
      }
      const sorted = [...model].toSorted(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
      const found: [string, number][] = [];
      zset.forEach((score, member) => found.push([member, score]));
      expect(found).toEqual(sorted);
      sorted.forEach(([member], rank) => expect(zset.rank(member)).toBe(rank));
      expect(zset.rankOf((score) => score < 0)).toBe(sorted.filter(([, score]) => score < 0).length);
      if (sorted.length === 0) return;
      const start = from % sorted.length;
      const end = start + (to % (sorted.length - start));
      const part: [string, number][] = [];
      zset.range(start, end, (score, member) => part.push([member, score]));
      expect(part).toEqual(sorted.slice(start, end + 1));
    }),
    { numRuns: 25 },
  );
});

test('a hash behaves as a map, packed and not, with short, long and binary parts', () => {
  const part = fc.oneof(
    fc.constantFrom('', 'a', 'b', '\xff', '\0', 'x'.repeat(254), 'x'.repeat(255), 'y'.repeat(300), 'z'.repeat(70_000)),
    fc.nat({ max: 40 }).map(String),
  );
  const operation = fc.tuple(fc.constantFrom('set', 'set', 'delete'), part, part);
  const limits = fc.constantFrom(DEFAULT_LIMITS, { ...DEFAULT_LIMITS, hashValue: 100_000, hashEntries: 20 });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 120 }), limits, (operations, chosen) => {
      const hash = new HashValue();
      const model = new Map<string, string>();
      for (const [what, field, value] of operations) {
        if (what === 'set') expect(hash.set(field, value, chosen)).toBe(!model.has(field));
        else expect(hash.delete(field)).toBe(model.delete(field));
        if (what === 'set') model.set(field, value);
        expect(hash.size).toBe(model.size);
        expect(hash.get(field)).toBe(model.get(field));
      }
      const found = new Map<string, string>();
      hash.forEach((value, field) => found.set(field, value));
      expect(found).toEqual(model);
      if (model.size > 0) expect(model.has(hash.randomField()!)).toBe(true);
    }),
  );
});
