/**
 * A snapshot of 2 million keys while 50 clients write to it: the writes' p99 beside that without a snapshot, for the engine
 * (BGSAVE), a node on the platform (a backup), and redis-server (BGSAVE, which forks).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { median, type BenchOptions, type Print } from '../tools/figure.ts';
import { ask } from './ask.ts';
import { bulk } from './load/connection.ts';
import { fill } from './load/fill.ts';
import { runLoad, type LoadResult } from './load/run.ts';
import { startPlatform, type Platform } from './platform.ts';
import { startEngine, startRedis, type Address, type Target } from './target.ts';

const KEYS = 2_000_000;
/** Of these the clients write some: the load generator keeps a request ready for each. */
const WRITTEN = 100_000;
const CLIENTS = 50;

export async function benchSnapshot(print: Print, { rounds, quick }: BenchOptions): Promise<void> {
  const size = { keys: quick ? KEYS / 10 : KEYS, pairs: Math.min(rounds, 3), seconds: quick ? 2 : 10 };
  let redis_s: number | null = null;
  for (const start of [startRedis, startEngine]) {
    const target = await start();
    try {
      const taken_s = await measure(print, target, size, redis_s, () => bgsave(target.address));
      redis_s ??= taken_s;
    } finally {
      await target.stop();
    }
  }
  const platform = await startPlatform();
  try {
    const node = await platform.node({ name: 'snapshot', durability: 'everysec', memoryLimitMb: 2048 });
    await measure(print, { ...node, label: 'platform' }, size, redis_s, () => backup(platform, node.id));
  } finally {
    await platform.stop();
  }
}

/** How much is measured: so many pairs of a load without and one with snapshots. */
interface Size {
  readonly keys: number;
  readonly pairs: number;
  readonly seconds: number;
}

/** Returns how long a snapshot takes under the load; `redis_s` is what it takes redis-server. */
async function measure(
  print: Print,
  target: Target,
  { keys, pairs, seconds }: Size,
  redis_s: number | null,
  snapshot: () => Promise<void>,
): Promise<number> {
  const value = 'x'.repeat(32);
  const name = (index: number) => `load:${String(index).padStart(10, '0')}`;
  await fill(target.address, keys, (index) => bulk('SET', name(index), value), '+OK\r\n'.length);
  const plan = { targets: [target.address], connectionsPerTarget: CLIENTS, keys: WRITTEN, valueBytes: 32, writes: 1 };
  const without: LoadResult[] = [];
  const beside: LoadResult[] = [];
  const taken_s: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    without.push(await runLoad({ ...plan, seconds }, 1, target.pids()));
    // One snapshot after the other, until the clients have written for as long as without one.
    const during = async (): Promise<void> => {
      for (const ends = Date.now() + seconds * 1000 - 200; Date.now() < ends;) {
        const began = performance.now();
        await snapshot();
        taken_s.push((performance.now() - began) / 1000);
      }
    };
    beside.push(await runLoad({ ...plan, seconds }, 1, target.pids(), { during }));
  }
  const p99 = (results: readonly LoadResult[]) => median(results.map(({ p99_ms }) => p99_ms));
  const perSecond = (results: readonly LoadResult[]) => median(results.map((result) => result.perSecond));
  const peer = `${target.label} without a snapshot`;
  const what = `${target.label}, snapshot of ${keys} keys`;
  const bound = target.label === 'redis-server' ? {} : { atMost: 2 };
  print({ name: `${what}, write p99`, peer, ours: p99(beside), theirs: p99(without), unit: 'ms', ...bound });
  print({ name: `${what}, writes`, peer, ours: perSecond(beside), theirs: perSecond(without), unit: 'ops/s' });
  const took = median(taken_s);
  const theirs = redis_s === null ? { peer: null, theirs: null } : { peer: 'redis-server', theirs: redis_s };
  print({ name: `${what}, takes`, ours: took, unit: 's', ...theirs });
  return took;
}

/** Starts a snapshot and waits until it is written. */
async function bgsave(address: Address): Promise<void> {
  await ask(address, [['BGSAVE']]);
  for (;;) {
    await sleep(50);
    const [info] = await ask(address, [['INFO', 'persistence']]);
    if (String(info).includes('rdb_bgsave_in_progress:0')) return;
  }
}

async function backup({ api }: Platform, nodeId: string): Promise<void> {
  const { operation } = await api.must<{ operation: { id: string } }>('POST', `/v1/nodes/${nodeId}/backups`);
  await api.finished(operation.id, { timeoutMs: 120_000 });
}
