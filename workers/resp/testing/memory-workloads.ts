/** One way of filling a node: `run` gives it commands, whose strings are as those that come off a socket. */
export interface MemoryWorkload {
  readonly name: string;
  readonly fill: (run: (...args: string[]) => Promise<unknown>, scale: number) => Promise<void>;
}

const text = (i: number, length: number): string => `${i}:`.padEnd(length, 'abcdefghij');

async function times(count: number, step: (i: number) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < count; i++) await step(i);
}

/** Many keys of one kind: `words` makes the command for the i-th. */
const each = (name: string, count: number, words: (i: number) => string[]): MemoryWorkload => ({
  name,
  fill: (run, scale) => times(count * scale, (i) => run(...words(i))),
});

const list = (i: number, count: number, item: (j: number) => string): string[] =>
  Array.from({ length: count }, (_, j) => item(i * count + j));

/** What the accounting is held against, from many small things to few large ones. */
export const memoryWorkloads: readonly MemoryWorkload[] = [
  each('small strings', 60_000, (i) => ['SET', `key:${String(i).padStart(16, '0')}`, text(i, 32)]),
  each('integers', 60_000, (i) => ['SET', `counter:${i}`, String(i * 7919)]),
  each('big strings', 400, (i) => ['SET', `big:${i}`, text(i, 20_000)]),
  each('huge strings', 40, (i) => ['SET', `huge:${i}`, text(i, 400_000)]),
  each('appended strings', 40_000, (i) => ['APPEND', `log:${i % 4000}`, text(i, 20)]),
  each('bitmaps', 30_000, (i) => ['SETBIT', `bits:${i % 500}`, String((i * 7919) % 40_000), '1']),
  each('keys with a TTL', 40_000, (i) => ['SET', `session:${i}`, text(i, 40), 'EX', '10000']),
  {
    name: 'keys given a TTL later',
    fill: async (run, scale) => {
      await times(40_000 * scale, (i) => run('SET', `session:${i}`, text(i, 40)));
      await times(40_000 * scale, (i) => run('EXPIRE', `session:${i}`, '10000'));
    },
  },
  each('small hashes', 15_000, (i) => ['HSET', `user:${i}`, 'name', text(i, 12), 'mail', text(i, 24), 'age', '41']),
  each('hashes of a hundred fields', 1200, (i) => ['HSET', `h:${i}`, ...list(0, 200, (j) => text(j, 10))]),
  each('a big hash', 50_000, (i) => ['HSET', 'big', `field:${i}`, text(i, 24)]),
  each('hashes of five hundred fields', 100, (i) => ['HSET', `h:${i}`, ...list(0, 1000, (j) => text(j, 12))]),
  each('small lists', 15_000, (i) => ['RPUSH', `l:${i}`, ...list(i, 5, (j) => text(j, 16))]),
  each('a long list', 80_000, (i) => ['LPUSH', 'list', text(i, 20)]),
  each('a queue', 120_000, (i) => (i % 3 === 2 ? ['LPOP', 'q'] : ['RPUSH', 'q', text(i, 20)])),
  each('small sets of integers', 10_000, (i) => ['SADD', `s:${i}`, ...list(i, 10, (j) => String(j))]),
  each('a set of integers', 60_000, (i) => ['SADD', 'ids', String(i * 13)]),
  each('small sets', 10_000, (i) => ['SADD', `s:${i}`, ...list(i, 8, (j) => text(j, 14))]),
  each('a big set', 60_000, (i) => ['SADD', 'big', text(i, 20)]),
  each('small sorted sets', 8_000, (i) => [
    'ZADD',
    `z:${i}`,
    ...list(i, 8, (j) => (j % 2 ? text(j, 14) : String(j / 3))),
  ]),
  each('a big sorted set', 50_000, (i) => ['ZADD', 'board', String((i * 7919) % 50_021), text(i, 16)]),
  each('a sorted set whose scores change', 100_000, (i) => ['ZINCRBY', 'board', '1.5', `player:${i % 30_000}`]),
  each('a stream', 40_000, (i) => ['XADD', 'x', '*', 'sensor', text(i, 10), 'value', String(i)]),
  each('small streams', 8_000, (i) => ['XADD', `x:${i % 2000}`, '*', 'a', text(i, 10)]),
  each('HyperLogLogs', 60_000, (i) => ['PFADD', `hll:${i % 4000}`, text(i, 16)]),
  each('geo', 30_000, (i) => [
    'GEOADD',
    'places',
    String((i % 3600) / 10 - 180 + 0.01),
    String((i % 1600) / 10 - 80),
    `p:${i}`,
  ]),
  {
    name: 'a mix, overwritten and half deleted',
    fill: async (run, scale) => {
      const count = 20_000 * scale;
      for (const round of [1, 2]) {
        await times(count, (i) => run('SET', `s:${i}`, text(i * round, 20 * round)));
        await times(count / 4, (i) => run('HSET', `h:${i}`, 'a', text(i * round, 10 * round), 'b', String(i)));
        await times(count / 4, (i) => run('ZADD', `z:${i % 200}`, String(i * round), `m:${i}`));
        await times(count / 4, (i) => run('RPUSH', `l:${i % 300}`, text(i, 15)));
        await times(count / 4, (i) => run('SADD', `t:${i % 100}`, text(i, 15)));
      }
      await times(count, (i) => (i % 2 === 0 ? run('DEL', `s:${i}`) : Promise.resolve()));
      await times(count / 4, (i) => (i % 2 === 0 ? run('HDEL', `h:${i}`, 'a') : run('ZREM', `z:${i % 200}`, `m:${i}`)));
    },
  },
  {
    name: 'what is left of many keys',
    fill: async (run, scale) => {
      await times(80_000 * scale, (i) => run('SET', `k:${i}`, text(i, 30)));
      await times(80_000 * scale, (i) => (i % 10 === 0 ? Promise.resolve() : run('DEL', `k:${i}`)));
    },
  },
];
