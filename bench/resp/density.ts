/**
 * Density: what 10,000 idle nodes take in one process, against as many redis-server processes (50 are measured, and
 * multiplied), and how long it takes to make one. On the platform it is the engine process that holds them; the manager's own
 * process, one for all, is beside.
 */
import type { BenchOptions, Print } from '../tools/figure.ts';
import { memoryOf, type Memory } from '../tools/memory.ts';
import { startPlatform } from './platform.ts';
import { inBatches } from './rounds.ts';
import { startRedis } from './target.ts';
import { startProbedEngine } from './weigh.ts';

const NODES = 10_000;
const MEASURED = 50;

export async function benchDensity(print: Print, { quick }: BenchOptions): Promise<void> {
  const count = quick ? NODES / 10 : NODES;
  const theirs = await redisMemory(count);
  const peer = `${count} redis-server processes`;
  // The first start of a program is not like the later ones: it compiles.
  await startProbedEngine(10).then(async (first) => {
    await first.measure();
    await first.stop();
  });
  const say = (what: string, { rss, pss }: Memory): void => {
    print({ name: `${what}, RSS`, peer: null, ours: rss, theirs: null, unit: 'MiB', atMost: 140 });
    // Here the ratio says how many times as much the peer takes.
    const times = { peer, unit: 'MiB' };
    const least = quick ? NODES / 200 : 500;
    print({
      ...times,
      name: `${what}, times less RSS`,
      ours: rss,
      theirs: theirs.rss,
      ratio: theirs.rss / rss,
      atLeast: least,
    });
    print({ ...times, name: `${what}, times less PSS`, ours: pss, theirs: theirs.pss, ratio: theirs.pss / pss });
  };
  const engine = await startProbedEngine(count);
  try {
    const fresh = await engine.measure();
    const name = 'making a node inside the engine';
    print({ name, peer: null, ours: fresh.creation_us, theirs: null, unit: 'µs', atMost: 1000 });
    say(`engine, ${count} idle nodes`, fresh);
    await engine.useNodes();
    say(`engine, ${count} idle nodes with a key each`, await engine.measure());
  } finally {
    await engine.stop();
  }
  // As before: here what was compiled is kept from the first start on.
  await startPlatform({ ENGINE_PROCESSES: '1' }).then((first) => first.stop());
  const platform = await startPlatform({ ENGINE_PROCESSES: '1' });
  try {
    await inBatches(count, (n) => platform.node({ name: `idle-${n}`, durability: 'everysec', memoryLimitMb: 1 }));
    const [holding, all] = [await memoryOf(await platform.engines()), await memoryOf(await platform.managers())];
    say(`platform, ${count} idle nodes`, holding);
    print({ name: 'the manager beside them, RSS', peer: null, ours: all.rss - holding.rss, theirs: null, unit: 'MiB' });
  } finally {
    await platform.stop();
  }
}

/** What so many idle redis-server processes would take. */
async function redisMemory(count: number): Promise<Memory> {
  const servers = await Promise.all(Array.from({ length: MEASURED }, () => startRedis()));
  try {
    const { rss, pss } = await memoryOf(servers.flatMap(({ pids }) => pids()));
    return { rss: (rss / MEASURED) * count, pss: (pss / MEASURED) * count };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}
