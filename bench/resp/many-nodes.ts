/**
 * Many nodes, which is what we are for: 200 of them with 5 clients each, all at work, on the platform with its engine
 * processes, against 200 redis-server processes on the same machine. The load generator (`load/`) is ours, several processes
 * of it, the same for both sides, and has its share of the cores: the CPU time of the servers alone is beside.
 */
import { availableParallelism } from 'node:os';
import type { BenchOptions, Print } from '../tools/figure.ts';
import { memoryOf } from '../tools/memory.ts';
import { runLoad } from './load/run.ts';
import { startPlatform } from './platform.ts';
import { alternate, compare, inBatches } from './rounds.ts';
import { startRedis, type Target } from './target.ts';

const NODES = 200;
const CLIENTS = 5;

export async function benchManyNodes(print: Print, { rounds, quick }: BenchOptions): Promise<void> {
  const count = quick ? 50 : NODES;
  const cores = availableParallelism();
  const platform = await startPlatform();
  const servers: Target[] = [];
  try {
    const nodes = await inBatches(count, (n) =>
      platform.node({ name: `many-${n}`, durability: 'none', memoryLimitMb: 8 }),
    );
    servers.push(...(await inBatches(count, () => startRedis())));
    const managers = await platform.managers();
    const sides = [
      { targets: nodes.map(({ address }) => address), pids: managers },
      { targets: servers.map(({ address }) => address), pids: servers.flatMap(({ pids }) => pids()) },
    ];
    const load = { connectionsPerTarget: CLIENTS, seconds: quick ? 1 : 3, keys: 100, valueBytes: 32, writes: 0.5 };
    const run = ({ targets, pids }: (typeof sides)[number]) => runLoad({ ...load, targets }, cores, pids);
    await alternate(sides, 1, run);
    const [ours = [], theirs = []] = await alternate(sides, rounds, run);
    const of = (pick: 'perSecond' | 'p50_ms' | 'p99_ms' | 'cpu_us') =>
      [ours.map((result) => result[pick]), theirs.map((result) => result[pick])] as const;
    const peer = `${count} redis-server processes`;
    const name = `${count} nodes, ${CLIENTS} clients each`;
    compare(print, { name: `${name}, total`, peer, unit: 'ops/s', atLeast: 1 }, ...of('perSecond'));
    compare(print, { name: `${name}, p99`, peer, unit: 'ms', atMost: 1 }, ...of('p99_ms'));
    compare(print, { name: `${name}, p50`, peer, unit: 'ms' }, ...of('p50_ms'));
    compare(print, { name: `${name}, CPU`, peer, unit: 'µs/op' }, ...of('cpu_us'));
    const [our, their] = await Promise.all(sides.map(({ pids }) => memoryOf(pids)));
    if (our === undefined || their === undefined) return;
    print({ name: `${name}, RSS`, peer, ours: our.rss, theirs: their.rss, unit: 'MiB' });
    print({ name: `${name}, PSS`, peer, ours: our.pss, theirs: their.pss, unit: 'MiB' });
    print({ name: `${name}, processes`, peer, ours: managers.length, theirs: count, unit: 'processes' });
  } finally {
    await Promise.all([platform.stop(), ...servers.map((server) => server.stop())]);
  }
}
