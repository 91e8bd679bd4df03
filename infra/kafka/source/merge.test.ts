import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { createMerge, type Merge } from './merge.ts';

const topics = ['a', 'b'];
const partitions = [0, 1, 2];
const places = topics.flatMap((topic) => partitions.map((partition) => ({ topic, partition })));

/** A log in which each event lies in some partition, and what a relay with repeats and zombies makes of it. */
const relayed = fc.array(fc.nat(places.length - 1), { maxLength: 60 });

function start(): Merge<bigint> {
  return createMerge(
    0n,
    places.map((place) => ({ ...place, offset: 0 })),
  );
}

/** Plays a relay: each event goes to its partition, some twice; watermarks at times; reading lags behind at random. */
function play(log: readonly number[], choices: fc.GeneratorValue): { taken: bigint[]; upTos: bigint[] } {
  const written = places.map(() => [] as { position: bigint; epoch: bigint }[]);
  const watermarks: { position: bigint; offsets: Map<string, number[]> }[] = [];
  log.forEach((at, n) => {
    const position = BigInt(n + 1);
    written[at]?.push({ position, epoch: 1n });
    if (choices(fc.nat, 3) === 0) written[at]?.push({ position, epoch: 1n });
    const offsets = topics.map((topic, t): [string, number[]] => [
      topic,
      partitions.map((partition) => written[t * partitions.length + partition]?.length ?? 0),
    ]);
    if (choices(fc.nat, 2) === 0 || n === log.length - 1) watermarks.push({ position, offsets: new Map(offsets) });
  });

  const merge = start();
  const read = places.map(() => 0);
  let told = 0;
  const taken: bigint[] = [];
  const upTos: bigint[] = [];
  /** Where there is something left to read; the watermarks' number is one more than the last partition's. */
  const left = () => [
    ...[...places.keys()].filter((n) => (read[n] ?? 0) < (written[n]?.length ?? 0)),
    ...(told < watermarks.length ? [places.length] : []),
  ];
  const take = (): void => {
    const { items, upTo } = merge.take(choices(fc.nat, 5) + 1);
    taken.push(...items);
    upTos.push(upTo);
  };
  for (let open = left(); open.length > 0; open = left()) {
    const which = open[choices(fc.nat, open.length - 1)] ?? 0;
    const [watermark, place] = [watermarks[told], places[which]];
    if (place === undefined) {
      if (watermark !== undefined) merge.addWatermark({ epoch: 1n, ...watermark });
      told += 1;
    } else {
      const offset = read[which] ?? 0;
      const record = written[which]?.[offset];
      if (record !== undefined) merge.add(place.topic, place.partition, { offset, ...record, item: record.position });
      read[which] = offset + 1;
    }
    take();
  }
  for (let n = 0; n <= log.length; n += 1) take();
  return { taken, upTos };
}

test('whatever is read when, the log comes out: each event once, in order, to the end', () => {
  fc.assert(
    fc.property(relayed, fc.gen(), (log, choices) => {
      const { taken, upTos } = play(log, choices);
      expect(taken).toEqual(log.map((_, n) => BigInt(n + 1)));
      expect(upTos.at(-1)).toBe(BigInt(log.length));
      expect(upTos.toSorted((a, b) => Number(a - b))).toEqual(upTos);
    }),
  );
});

const place = (topic: string, partition: number) => [topic, partition] as const;

test('a quiet partition holds back the others until a watermark speaks for it', () => {
  const merge = start();
  merge.add(...place('a', 0), { offset: 0, position: 1n, epoch: 1n, item: 1n });
  expect(merge.take(10)).toEqual({ items: [], upTo: 0n });
  merge.addWatermark({ epoch: 1n, position: 1n, offsets: new Map([['a', [1, 0, 0]]]) });
  expect(merge.take(10)).toEqual({ items: [1n], upTo: 1n });
});

test('a watermark speaks for a partition only once that was read so far', () => {
  const merge = start();
  merge.addWatermark({ epoch: 1n, position: 5n, offsets: new Map([['a', [1, 0, 0]]]) });
  expect(merge.take(10)).toEqual({ items: [], upTo: 0n });
  merge.add(...place('a', 0), { offset: 0, position: 3n, epoch: 1n, item: 3n });
  expect(merge.take(10)).toEqual({ items: [3n], upTo: 5n });
});

test('nothing comes out beyond the watermark: what lies there may belong to a topic that is not known yet', () => {
  const merge = createMerge<bigint>(0n, [{ topic: 'a', partition: 0, offset: 0 }]);
  merge.add('a', 0, { offset: 0, position: 2n, epoch: 1n, item: 2n });
  expect(merge.take(10)).toEqual({ items: [], upTo: 0n });
  const told = {
    epoch: 1n,
    position: 2n,
    offsets: new Map([
      ['a', [1]],
      ['b', [1]],
    ]),
  };
  expect(merge.addWatermark(told)).toEqual(['b']);
  expect(merge.take(10)).toEqual({ items: [], upTo: 0n });
});

test('what a zombie sends after its successor is ignored, its watermarks, too', () => {
  const merge = start();
  merge.add(...place('a', 0), { offset: 0, position: 1n, epoch: 2n, item: 1n });
  merge.add(...place('a', 0), { offset: 1, position: 7n, epoch: 1n, item: 7n });
  merge.add(...place('a', 0), { offset: 2, position: 2n, epoch: 2n, item: 2n });
  merge.addWatermark({ epoch: 2n, position: 2n, offsets: new Map([['a', [3, 0, 0]]]) });
  merge.addWatermark({ epoch: 1n, position: 9n, offsets: new Map() });
  expect(merge.take(10)).toEqual({ items: [1n, 2n], upTo: 2n });
});

test('a watermark that speaks of partitions that are not read is not taken, unless nobody wants them', () => {
  const merge = start();
  const watermark = {
    epoch: 1n,
    position: 1n,
    offsets: new Map([
      ['c', [1]],
      ['a', [0, 0, 0, 0]],
    ]),
  };
  expect(merge.addWatermark(watermark)).toEqual(['c', 'a']);
  expect(merge.take(1).upTo).toBe(0n);
  expect(merge.addWatermark(watermark, () => false)).toEqual([]);
  expect(merge.take(1).upTo).toBe(1n);
});

test('partitions where much waits are told', () => {
  const merge = start();
  for (let offset = 0; offset < 3; offset += 1) {
    merge.add(...place('b', 1), { offset, position: BigInt(offset + 1), epoch: 1n, item: 0n });
  }
  expect(merge.waiting(3)).toEqual([{ topic: 'b', partition: 1, offset: 3 }]);
  expect(merge.waiting(4)).toEqual([]);
});
