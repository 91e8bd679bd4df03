/**
 * The RESP engine's speed, density and fairness, against a real redis-server in the same run: every figure of lines 10 to 15
 * of issue 4. `--only` takes the names of the groups below.
 */
import { boundOf, type BenchOptions, type Print } from './tools/figure.ts';
import { benchConnections } from './resp/connections.ts';
import { benchDensity } from './resp/density.ts';
import { benchDurable } from './resp/durable.ts';
import { benchKeys } from './resp/keys.ts';
import { benchLatency } from './resp/latency.ts';
import { benchManyNodes } from './resp/many-nodes.ts';
import { benchNeighbour } from './resp/neighbour.ts';
import { benchSnapshot } from './resp/snapshot.ts';
import { benchWake } from './resp/wake.ts';
import { benchEngine, benchPlatform } from './resp/single-node.ts';

type Group = (print: Print, options: BenchOptions) => Promise<void>;

const groups: Readonly<Record<string, Group>> = {
  engine: benchEngine,
  platform: benchPlatform,
  latency: benchLatency,
  durable: benchDurable,
  many: benchManyNodes,
  connections: benchConnections,
  density: benchDensity,
  wake: benchWake,
  keys: benchKeys,
  snapshot: benchSnapshot,
  neighbour: benchNeighbour,
};

export async function bench(print: Print, options: BenchOptions): Promise<void> {
  const unknown = options.only.filter((name) => groups[name] === undefined);
  if (unknown.length > 0)
    throw new Error(`no such part: ${unknown.join(', ')}; there are ${Object.keys(groups).join(', ')}`);
  const failed: string[] = [];
  const missed: string[] = [];
  const note: Print = (figure) => {
    print(figure);
    const bound = boundOf(figure);
    if (bound?.met === false) missed.push(`${figure.name} (${bound.bound})`);
  };
  for (const [name, group] of Object.entries(groups)) {
    if (options.only.length > 0 && !options.only.includes(name)) continue;
    const began = performance.now();
    await group(note, options).catch((error: unknown) => {
      // The other groups still have something to say; the run as a whole has failed.
      failed.push(name);
      console.error(`${name} could not be measured:`, error);
    });
    console.error(`${name} took ${((performance.now() - began) / 1000).toFixed(0)} s`);
  }
  console.error(missed.length === 0 ? 'every bound is met' : `missed bounds:\n  ${missed.join('\n  ')}`);
  if (failed.length > 0) throw new Error(`not measured: ${failed.join(', ')}`);
}
