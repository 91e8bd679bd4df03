/** Idle nodes of the platform that have gone to the disk: how long the first reply of one takes, from connecting to GET. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile, type BenchOptions, type Print } from '../tools/figure.ts';
import { bulk, openAnswered, type Request } from './load/connection.ts';
import { fill } from './load/fill.ts';
import { startPlatform } from './platform.ts';
import { inBatches } from './rounds.ts';
import type { Address, Target } from './target.ts';

const NODES = 300;
const KEYS = 100;
const IDLE_S = 5;

export async function benchWake(print: Print, { quick }: BenchOptions): Promise<void> {
  const count = quick ? NODES / 3 : NODES;
  const platform = await startPlatform({ ENGINE_PROCESSES: '1', NODE_UNLOAD_AFTER_S: String(IDLE_S) });
  try {
    const nodes: Target[] = await inBatches(count, (n) =>
      platform.node({ name: `idle-${n}`, durability: 'everysec', memoryLimitMb: 1 }),
    );
    const value = 'x'.repeat(100);
    for (const { address } of nodes) await fill(address, KEYS, (key) => bulk('SET', `key:${key}`, value), 5);
    for (let unloaded = 0; unloaded < count; await sleep(500)) unloaded = await basesIn(platform.home);
    const request: Request = { text: bulk('GET', 'key:7'), replyBytes: `$100\r\n${value}\r\n`.length };
    const times: number[] = [];
    for (const { address } of nodes) times.push(await firstReply(address, request));
    print({
      name: `waking a node with ${KEYS} keys, p50`,
      peer: null,
      ours: percentile(times, 0.5),
      theirs: null,
      unit: 'ms',
    });
    print({
      name: `waking a node with ${KEYS} keys, p95`,
      peer: null,
      ours: percentile(times, 0.95),
      theirs: null,
      unit: 'ms',
      atMost: 20,
    });
  } finally {
    await platform.stop();
  }
}

/** A node that goes to the disk leaves its base there; none of these has written enough to be given one before. */
async function basesIn(home: string): Promise<number> {
  const files = await readdir(join(home, 'nodes'), { recursive: true });
  return files.filter((file) => file.endsWith('.rdb')).length;
}

/** Milliseconds from connecting to the reply of a first command. */
async function firstReply(address: Address, request: Request): Promise<number> {
  const began = performance.now();
  const connection = await openAnswered(address, request);
  const took = performance.now() - began;
  connection.close();
  return took;
}
