import type { Load } from './redis-benchmark.ts';

interface Test {
  readonly name: string;
  readonly command: readonly string[];
  /** How much longer than a SET it takes, roughly: it is asked for that much less often. */
  readonly weight?: number;
  /** Needs what the tests before it left. */
  readonly keeps?: true;
  /** Commands that make what it reads. */
  readonly before?: readonly (readonly string[])[];
}

const own = (name: string): Test => ({ name, command: ['-t', name.toLowerCase()] });

const lrange = (count: number): Test => ({
  name: `LRANGE_${count}`,
  command: ['LRANGE', 'mylist', '0', String(count - 1)],
  weight: count / 20,
  before: [['RPUSH', 'mylist', ...Array.from({ length: count }, () => 'xxx')]],
});

/** redis-benchmark's default list (7.2's, which has XADD), in its order. */
const defaultList: readonly Test[] = [
  own('PING_INLINE'),
  own('PING_MBULK'),
  own('SET'),
  { ...own('GET'), before: [['SET', 'key:__rand_int__', 'xxx']] },
  own('INCR'),
  own('LPUSH'),
  { ...own('RPUSH'), keeps: true },
  { ...own('LPOP'), keeps: true },
  { ...own('RPOP'), keeps: true },
  own('SADD'),
  own('HSET'),
  { ...own('SPOP'), keeps: true },
  own('ZADD'),
  { ...own('ZPOPMIN'), keeps: true },
  lrange(100),
  lrange(300),
  lrange(500),
  lrange(600),
  { ...own('MSET'), weight: 4 },
  { name: 'XADD', command: ['XADD', 'mystream', '*', 'myfield', 'data'], weight: 2 },
];

/** A test in one of its forms, and what its throughput must be of redis-server's. */
export interface BoundLoad extends Load {
  readonly test: Test;
  /** A load that makes what this one reads. */
  readonly filling?: Load;
  readonly atLeast: number;
}

/** The loads of a single node: the list without and with pipelining, and SET and GET among many keys. */
export function singleNodeLoads(tests: readonly string[], quick: boolean): BoundLoad[] {
  const sizes = { plain: quick ? 20_000 : 40_000, piped: quick ? 160_000 : 320_000 };
  // Runs of half a second differ by a tenth, and 50 log-ins are 1.5 % of one: too much where the bound is 1.0.
  const long = quick ? 40_000 : 200_000;
  return defaultList
    .filter(({ name }) => tests.length === 0 || tests.includes(name))
    .flatMap((test) => {
      const { name, command, weight = 1 } = test;
      const main = name === 'SET' || name === 'GET';
      const plain = { name, command, requests: Math.ceil(sizes.plain / Math.max(1, weight / 4)), test };
      const piped = { ...plain, name: `${name} -P 16`, requests: Math.ceil(sizes.piped / weight), pipeline: 16 };
      const keys = { keyspace: 100_000, valueBytes: 100 };
      const filling = { ...keys, name: 'filling', command: ['-t', 'set'], requests: 300_000, pipeline: 16 };
      const many = { ...keys, filling, atLeast: 0.6 };
      return [
        main ? { ...plain, requests: long, atLeast: 1 } : { ...plain, atLeast: 0.6 },
        { ...piped, atLeast: main ? 0.7 : 0.6 },
        ...(main
          ? [
              { ...plain, ...many, name: `${name} -r 100000 -d 100` },
              { ...piped, ...many, name: `${name} -P 16 -r 100000 -d 100` },
            ]
          : []),
      ];
    });
}
