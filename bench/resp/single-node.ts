/**
 * One node against one redis-server, by redis-benchmark: throughput and CPU time for an operation. `engine` is the engine
 * alone, beside which the bare Node server stands; `platform` is a node behind AUTH on the public port, once with the
 * durability of a plain redis-server (none) and once as a tenant gets it who chooses nothing (everysec).
 */
import type { BenchOptions, Print } from '../tools/figure.ts';
import { ask } from './ask.ts';
import { singleNodeLoads, type BoundLoad } from './loads.ts';
import { startPlatform } from './platform.ts';
import { measure, type Sample } from './redis-benchmark.ts';
import { alternate, compare } from './rounds.ts';
import { bareServer, startBareServer, startEngine, startRedis, type Target } from './target.ts';

export async function benchEngine(print: Print, options: BenchOptions): Promise<void> {
  const targets = [await startRedis(), await startEngine(), await startBareServer()];
  try {
    for (const load of singleNodeLoads(options.tests, options.quick)) {
      const [redis = [], engine = [], bare = []] = await samplesOf(
        load,
        targets.slice(0, isBare(load) ? 3 : 2),
        options,
      );
      report(print, `engine ${load.name}`, 'redis-server', engine, redis, load.atLeast);
      if (!isBare(load)) continue;
      const atLeast = load.pipeline === undefined ? undefined : 0.9;
      report(print, `engine ${load.name}`, bareServer, engine, bare, atLeast);
      report(print, `${bareServer} ${load.name}`, 'redis-server', bare, redis, undefined);
    }
  } finally {
    await Promise.all(targets.map((target) => target.stop()));
  }
}

/** The loads that the bare server knows. */
const isBare = ({ test }: BoundLoad): boolean => test.name === 'SET' || test.name === 'GET';

export async function benchPlatform(print: Print, options: BenchOptions): Promise<void> {
  const redis = await startRedis();
  const platform = await startPlatform();
  try {
    const [plain, initial] = [
      await platform.node({ name: 'plain', durability: 'none' }),
      await platform.node({ name: 'initial', durability: 'everysec' }),
    ];
    for (const load of singleNodeLoads(options.tests, options.quick)) {
      const targets = isBare(load) ? [redis, plain, initial] : [redis, plain];
      const [theirs = [], ours = [], durable = []] = await samplesOf(load, targets, options);
      report(print, `platform ${load.name}`, 'redis-server', ours, theirs, load.atLeast);
      if (!isBare(load)) continue;
      report(print, `platform, everysec, ${load.name}`, 'redis-server without AOF', durable, theirs, undefined);
    }
  } finally {
    await Promise.all([redis.stop(), platform.stop()]);
  }
}

/** Everybody is made ready for the load, warmed up, and measured in alternation. */
export async function samplesOf(
  load: BoundLoad,
  targets: readonly Target[],
  { rounds }: BenchOptions,
): Promise<Sample[][]> {
  const { test } = load;
  for (const target of targets) {
    const commands = [...(test.keeps ? [] : [['FLUSHALL']]), ...(test.before ?? [])];
    // The bare server speaks with no client library; that its keys stay changes nothing.
    if (target.label !== bareServer && commands.length > 0) await ask(target.address, commands);
    if (load.filling !== undefined) await measure(target, load.filling);
    if (!test.keeps) await measure(target, { ...load, requests: Math.ceil(load.requests / 2) });
  }
  return alternate(targets, rounds, (target) => measure(target, load));
}

/** Prints the throughput, and beside it the CPU time, which a load generator that is the limit does not blur. */
export function report(
  print: Print,
  name: string,
  peer: string,
  ours: readonly Sample[],
  theirs: readonly Sample[],
  atLeast: number | undefined,
): void {
  const bound = atLeast === undefined ? {} : { atLeast };
  const per = (samples: readonly Sample[]) => samples.map(({ perSecond }) => perSecond);
  const cpu = (samples: readonly Sample[]) => samples.map(({ cpu_us }) => cpu_us);
  compare(print, { name, peer, unit: 'ops/s', ...bound }, per(ours), per(theirs));
  compare(print, { name: `${name}, CPU`, peer, unit: 'µs/op' }, cpu(ours), cpu(theirs));
}
