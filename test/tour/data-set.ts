/** What a small shop keeps in Redis: every type, plain and odd bytes, some keys that expire. */
export const typicalKeys = { strings: 4000, hashes: 3000, lists: 1500, sets: 1500, sortedSets: 2000 } as const;

/** How many keys `writes` leaves behind. */
export const keyCount = Object.values(typicalKeys).reduce((sum, count) => sum + count, 0);

const range = (count: number) => Array.from({ length: count }, (_, index) => index);

/** The commands that fill an empty node. */
export function writes(): string[][] {
  return [
    ...range(typicalKeys.strings).flatMap((i) => [
      ['SET', `session:${i}`, `token ${i} "quoted" \u00e9 ${'x'.repeat(i % 200)}`],
      ...(i % 4 === 0 ? [['EXPIRE', `session:${i}`, '86400']] : []),
    ]),
    ...range(typicalKeys.hashes).map((i) => [
      'HSET',
      `customer:${i}`,
      'name',
      `Customer ${i}`,
      'visits',
      String(i * 7),
      'city',
      i % 2 === 0 ? 'Zürich' : '東京',
    ]),
    ...range(typicalKeys.lists).map((i) => [
      'RPUSH',
      `orders:${i}`,
      ...range(3 + (i % 20)).map((n) => `order-${i}-${n}`),
    ]),
    ...range(typicalKeys.sets).map((i) => ['SADD', `tags:${i}`, ...range(2 + (i % 12)).map((n) => String(n * i))]),
    ...range(typicalKeys.sortedSets).map((i) => [
      'ZADD',
      `score:${i}`,
      ...range(2 + (i % 10)).flatMap((n) => [String(n * 1.5 - i), `player-${n}`]),
    ]),
  ];
}

/** Commands whose replies, in this order, show everything that `writes` wrote. */
export function reads(): string[][] {
  return [
    ...range(typicalKeys.strings).map((i) => ['GET', `session:${i}`]),
    ...range(typicalKeys.strings / 4).map((i) => ['PEXPIRETIME', `session:${i * 4}`]),
    ...range(typicalKeys.hashes).map((i) => ['HMGET', `customer:${i}`, 'name', 'visits', 'city']),
    ...range(typicalKeys.lists).map((i) => ['LRANGE', `orders:${i}`, '0', '-1']),
    ...range(typicalKeys.sets).map((i) => ['SORT', `tags:${i}`]),
    ...range(typicalKeys.sortedSets).map((i) => ['ZRANGE', `score:${i}`, '0', '-1', 'WITHSCORES']),
  ];
}

/** Commands in RESP, as `redis-cli --pipe` takes them. */
export function toProtocol(commands: readonly string[][]): Buffer {
  const parts = commands.map(
    (args) => `*${args.length}\r\n${args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join('')}`,
  );
  return Buffer.from(parts.join(''));
}
