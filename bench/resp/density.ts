/**
 * Density: what 10,000 idle nodes take in one process, against as many redis-server processes (50 are measured, and
 * multiplied), and how long it takes to make one.
 */
import type { BenchOptions, Print } from '../tools/figure.ts';
import { memoryOf } from '../tools/memory.ts';
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
  const engine = await startProbedEngine(count);
  try {
    const fresh = await engine.measure();
    print({
      name: 'making a node inside the engine',
      peer: null,
      ours: fresh.creation_us,
      theirs: null,
      unit: 'µs',
      atMost: 1000,
    });
    const say = (what: string, { rss, pss }: { rss: number; pss: number }): void => {
      print({ name: `${count} ${what}, RSS`, peer: null, ours: rss, theirs: null, unit: 'MiB', atMost: 140 });
      print({
        name: `${peer} to them, RSS`,
        peer: `${count} ${what}`,
        ours: theirs.rss,
        theirs: rss,
        unit: 'MiB',
        atLeast: quick ? 50 : 500,
      });
      print({ name: `${peer} to them, PSS`, peer: `${count} ${what}`, ours: theirs.pss, theirs: pss, unit: 'MiB' });
    };
    say('idle nodes', fresh);
    await engine.useNodes();
    say('idle nodes with a key each', await engine.measure());
  } finally {
    await engine.stop();
  }
}

/** What so many idle redis-server processes would take. */
async function redisMemory(count: number): Promise<{ rss: number; pss: number }> {
  const servers = await Promise.all(Array.from({ length: MEASURED }, () => startRedis()));
  try {
    const { rss, pss } = await memoryOf(servers.flatMap(({ pids }) => pids()));
    return { rss: (rss / MEASURED) * count, pss: (pss / MEASURED) * count };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}
