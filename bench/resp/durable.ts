/** The same comparison with `appendfsync everysec` and `always` on both sides: the engine's own AOF, and the platform's log. */
import type { BenchOptions, Print } from '../tools/figure.ts';
import { singleNodeLoads } from './loads.ts';
import { startPlatform } from './platform.ts';
import { report, samplesOf } from './single-node.ts';
import { startEngine, startRedis } from './target.ts';

export async function benchDurable(print: Print, options: BenchOptions): Promise<void> {
  const platform = await startPlatform();
  try {
    for (const durability of ['everysec', 'always'] as const) {
      const settings = ['--appendonly', 'yes', '--appendfsync', durability];
      const targets = [
        await startRedis(settings),
        await startEngine(settings),
        await platform.node({ name: durability, durability }),
      ];
      try {
        const tests = options.tests.length > 0 ? options.tests : ['SET'];
        for (const load of singleNodeLoads(tests, options.quick)) {
          const [theirs = [], alone = [], behind = []] = await samplesOf(load, targets, options);
          const peer = `redis-server ${durability}`;
          report(print, `engine ${durability} ${load.name}`, peer, alone, theirs, 0.8);
          report(print, `platform ${durability} ${load.name}`, peer, behind, theirs, 0.8);
        }
      } finally {
        await Promise.all(targets.map((target) => target.stop()));
      }
    }
  } finally {
    await platform.stop();
  }
}
