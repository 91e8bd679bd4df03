/**
 * p99 at half load. redis-benchmark sends as fast as it is answered, so this is our own load generator: an open loop of half
 * the throughput that redis-server reaches in the same run, the same for both sides.
 */
import { median, type BenchOptions, type Print } from '../tools/figure.ts';
import { runLoad } from './load/run.ts';
import type { Plan } from './load/plan.ts';
import { startPlatform } from './platform.ts';
import { alternate, compare } from './rounds.ts';
import { startEngine, startRedis } from './target.ts';

export async function benchLatency(print: Print, { rounds, quick }: BenchOptions): Promise<void> {
  const [redis, engine, platform] = await Promise.all([startRedis(), startEngine(), startPlatform()]);
  try {
    const node = await platform.node({ name: 'latency', durability: 'none' });
    const subjects = [redis, engine, node];
    const plan = (seconds: number, perSecond?: number): Omit<Plan, 'targets'> => ({
      connectionsPerTarget: 50,
      seconds,
      keys: 1000,
      valueBytes: 32,
      writes: 0.5,
      ...(perSecond !== undefined && { perSecond }),
    });
    const full = await alternate(subjects, 3, async (target) =>
      runLoad({ ...plan(quick ? 0.5 : 1), targets: [target.address] }, 2, target.pids()),
    );
    const half = median((full[0] ?? []).map(({ perSecond }) => perSecond)) / 2;
    const results = await alternate(subjects, rounds, (target) =>
      runLoad({ ...plan(quick ? 1 : 2, half), targets: [target.address] }, 2, target.pids()),
    );
    const [theirs = [], alone = [], behind = []] = results;
    const load = `at ${Math.round(half / 1000)}k/s`;
    for (const [name, ours] of [['engine', alone] as const, ['platform', behind] as const]) {
      const of = (pick: 'p50_ms' | 'p99_ms' | 'cpu_us') =>
        [ours.map((result) => result[pick]), theirs.map((result) => result[pick])] as const;
      const peer = 'redis-server';
      compare(print, { name: `${name} p99 ${load}`, peer, unit: 'ms', atMost: 2 }, ...of('p99_ms'));
      compare(print, { name: `${name} p50 ${load}`, peer, unit: 'ms' }, ...of('p50_ms'));
      compare(print, { name: `${name} ${load}, CPU`, peer, unit: 'µs/op' }, ...of('cpu_us'));
    }
  } finally {
    await Promise.all([redis.stop(), engine.stop(), platform.stop()]);
  }
}
