/**
 * A noisy neighbour: what one tenant that takes all it gets does to the p99 of other nodes in the same process. The others
 * have a steady load far below what the process could do, the same with and without the noise.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchOptions, Print } from '../tools/figure.ts';
import { startChild, told } from './load/child.ts';
import type { ToNoise } from './load/noise-process.ts';
import { noises, type Heard, type Noise } from './load/noise.ts';
import { runLoad, type LoadResult } from './load/run.ts';
import { startPlatform, type Platform } from './platform.ts';
import { compare } from './rounds.ts';
import type { Target } from './target.ts';

const VICTIMS = 5;
const PER_SECOND = 4000;

export async function benchNeighbour(print: Print, { rounds, quick, tests }: BenchOptions): Promise<void> {
  const platform = await startPlatform({ ENGINE_PROCESSES: '1' });
  try {
    const victims: Target[] = [];
    for (let n = 0; n < VICTIMS; n++) victims.push(await platform.node({ name: `quiet-${n}`, durability: 'none' }));
    const pids = await platform.managers();
    const plan = {
      targets: victims.map(({ address }) => address),
      connectionsPerTarget: 5,
      seconds: quick ? 1 : 2,
      perSecond: PER_SECOND,
      keys: 1000,
      valueBytes: 32,
      writes: 0.5,
    };
    await runLoad(plan, 1, pids);
    for (const noise of noises) {
      if (tests.length > 0 && !tests.some((test) => noise.name.toUpperCase().startsWith(test))) continue;
      const quiet: LoadResult[] = [];
      const loud: LoadResult[] = [];
      for (let round = 0; round < rounds; round++) {
        quiet.push(await runLoad(plan, 1, pids));
        loud.push(await amid(platform, noise, round, (hooks) => runLoad(plan, 1, pids, hooks)));
      }
      const p99 = (results: readonly LoadResult[]) => results.map(({ p99_ms }) => p99_ms);
      const name = `other nodes amid ${noise.name}, p99`;
      compare(print, { name, peer: 'without', unit: 'ms', atMost: 1.5 }, p99(loud), p99(quiet));
    }
  } finally {
    await platform.stop();
  }
}

/** The load while another tenant's node is at full load. Rejects when that node did nothing. */
async function amid(
  platform: Platform,
  noise: Noise,
  round: number,
  load: (hooks: { first: () => Promise<void> }) => Promise<LoadResult>,
): Promise<LoadResult> {
  const other = await platform.tenant(`loud-${Date.now()}-${round}`);
  const { address } = await platform.node({ name: 'loud', durability: 'none', memoryLimitMb: 256, tenantId: other });
  const maker = startChild('noise-process.ts');
  const tell = (message: ToNoise) => told<Heard>(maker, message);
  let before = 0;
  const first = async (): Promise<void> => {
    await tell({ name: noise.name, address });
    await sleep(500);
    before = (await tell('heard?')).bytes;
  };
  try {
    const result = await load({ first });
    const { bytes, error } = await tell('heard?');
    if (error !== undefined) console.error(`the noise (${noise.name}) was told ${error}`);
    if (bytes === before) throw new Error(`the noise (${noise.name}) made none: ${error ?? 'it got no reply'}`);
    return result;
  } finally {
    maker.kill('SIGKILL');
  }
}
