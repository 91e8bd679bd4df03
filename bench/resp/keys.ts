/**
 * Keys per GB: how many 20-byte keys with 32-byte values, and how many small hashes, fit into what a process grows by from
 * empty, the engine's after a garbage collection; and how near the memory that a node accounts for comes to that growth.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchOptions, Print } from '../tools/figure.ts';
import { memoryOf } from '../tools/memory.ts';
import { bulk } from './load/connection.ts';
import { fill } from './load/fill.ts';
import { startPlatform } from './platform.ts';
import { startRedis, type Target } from './target.ts';
import { startProbedEngine } from './weigh.ts';

const GIB = 2 ** 30;
/** A server collects its garbage when it sees fit. */
const COLLECTING_MS = 8000;

interface Kind {
  readonly name: string;
  readonly count: number;
  readonly command: (index: number) => string;
  readonly replyBytes: number;
}

const nameOf = (index: number): string => `key:${String(index).padStart(16, '0')}`;

const kinds: readonly Kind[] = [
  {
    name: '20-byte keys, 32-byte values',
    count: 1_500_000,
    command: (index) => bulk('SET', nameOf(index), String(index).padStart(32, 'v')),
    replyBytes: '+OK\r\n'.length,
  },
  {
    name: 'hashes of 10 fields',
    count: 1_000_000,
    command: (index) =>
      bulk(
        'HSET',
        nameOf(index),
        ...Array.from({ length: 10 }, (_, field) => [`field-${field}`, `value-${index % 1000}`]).flat(),
      ),
    replyBytes: ':10\r\n'.length,
  },
];

export async function benchKeys(print: Print, { quick }: BenchOptions): Promise<void> {
  const platform = await startPlatform();
  try {
    for (const { name, count: full, command, replyBytes } of kinds) {
      const count = quick ? full / 10 : full;
      const put = (target: Target) => fill(target.address, count, command, replyBytes);
      const perGib = (grownMib: number) => count / ((grownMib * 2 ** 20) / GIB);
      const peer = 'redis-server';

      const redis = await startRedis();
      const growth = grownBy(redis.pids(), () => put(redis));
      const theirs = perGib(await growth.finally(() => redis.stop()));

      const engine = await startProbedEngine();
      try {
        const empty = await engine.measure();
        await put(engine);
        const filled = await engine.measure();
        const ours = perGib(filled.rss - empty.rss);
        print({ name: `${name} per GiB, engine`, peer, ours, theirs, unit: 'keys', atLeast: 0.7 });
        print({
          name: `${name}, accounted memory`,
          peer: 'measured growth',
          ours: (filled.accounted - empty.accounted) / 2 ** 20,
          theirs: (filled.grown - empty.grown) / 2 ** 20,
          unit: 'MiB',
          atLeast: 0.9,
          atMost: 1.1,
        });
      } finally {
        await engine.stop();
      }
      const node = await platform.node({ name: `keys-${replyBytes}-${full}`, durability: 'none', memoryLimitMb: 2048 });
      const ours = perGib(await grownBy(await platform.engines(), () => put(node)));
      print({ name: `${name} per GiB, platform`, peer, ours, theirs, unit: 'keys', atLeast: 0.7 });
    }
  } finally {
    await platform.stop();
  }
}

/** MiB of resident memory that processes take more afterwards, once they have had time to collect garbage. */
async function grownBy(pids: readonly number[], work: () => Promise<void>): Promise<number> {
  const before = (await memoryOf(pids)).rss;
  await work();
  await sleep(COLLECTING_MS);
  return (await memoryOf(pids)).rss - before;
}
