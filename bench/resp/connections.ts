/**
 * Many connections to one process: 10,000 that wait, and 2,000 that work, without errors; and what one takes. Both ends of
 * 10,000 connections need as many files in one process: where the limit of open files is lower, fewer are opened, and it is
 * said.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchOptions, Print } from '../tools/figure.ts';
import { memoryOf } from '../tools/memory.ts';
import { openConnection, type LoadConnection } from './load/connection.ts';
import { runLoad } from './load/run.ts';
import { startPlatform } from './platform.ts';
import { startEngine, startRedis, type Target } from './target.ts';

const IDLE = 10_000;
const ACTIVE = 2000;
/** One node takes at most 5,000 connections. */
const PER_NODE = 2500;
/** Files that a process has open for other things. */
const OTHER_FILES = 500;

interface Outcome {
  readonly opened: number;
  readonly errors: number;
  readonly kilobytesEach: number;
  readonly perSecond: number;
  readonly p99_ms: number;
}

export async function benchConnections(print: Print, { quick }: BenchOptions): Promise<void> {
  const limit = await openFilesMax();
  const idle = Math.min(quick ? 2000 : IDLE, limit - OTHER_FILES);
  if (!quick && idle < IDLE) console.error(`only ${idle} connections: the limit of open files is ${limit} (ulimit -n)`);
  const redis = await startRedis(['--maxclients', String(IDLE + ACTIVE)]);
  const theirs = await measure([redis], redis.pids(), idle).finally(() => redis.stop());
  const engine = await startEngine(['--maxclients', String(IDLE + ACTIVE)]);
  report(print, 'engine', await measure([engine], engine.pids(), idle).finally(() => engine.stop()), theirs);
  const platform = await startPlatform({ ENGINE_PROCESSES: '1' });
  try {
    const nodes: Target[] = [];
    for (let n = 0; n * PER_NODE < IDLE; n++) {
      nodes.push(await platform.node({ name: `crowd-${n}`, durability: 'none', memoryLimitMb: 8 }));
    }
    report(print, 'platform', await measure(nodes, await platform.managers(), idle), theirs);
  } finally {
    await platform.stop();
  }
}

/** The soft limit of open files, which child processes inherit. */
async function openFilesMax(): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'utf8');
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 1024);
}

async function measure(targets: readonly Target[], pids: readonly number[], idle: number): Promise<Outcome> {
  const before = await settled(pids);
  let errors = 0;
  const failed = (): void => void (errors += 1);
  const connections: LoadConnection[] = [];
  while (connections.length + errors < idle) {
    const some = Array.from({ length: Math.min(200, idle - connections.length) }, (_, index) => {
      const target = targets[(connections.length + index) % targets.length];
      return target === undefined ? [] : [openConnection(target.address, () => {}, failed)];
    }).flat();
    for (const opened of await Promise.allSettled(some)) {
      if (opened.status === 'fulfilled') connections.push(opened.value);
    }
  }
  const after = await settled(pids);
  try {
    const load = { connectionsPerTarget: ACTIVE / targets.length, seconds: 3, keys: 100, valueBytes: 32, writes: 0.5 };
    const addresses = targets.map(({ address }) => address);
    // Beside those that wait; an error in a reply is thrown.
    const { perSecond, p99_ms } = await runLoad({ ...load, targets: addresses }, 2, pids);
    // None that waits was closed meanwhile.
    const kilobytesEach = ((after - before) * 1024) / connections.length;
    return { opened: connections.length, errors, kilobytesEach, perSecond, p99_ms };
  } finally {
    for (const connection of connections) connection.close();
  }
}

/** Resident memory once what was made on the way has had time to be collected. */
async function settled(pids: readonly number[]): Promise<number> {
  await sleep(3000);
  return (await memoryOf(pids)).rss;
}

function report(print: Print, side: string, ours: Outcome, theirs: Outcome): void {
  const name = `${side} ${ours.opened} idle connections`;
  const peer = 'redis-server';
  print({ name: `${name}, errors`, peer: null, ours: ours.errors, theirs: null, unit: 'errors', atMost: 0 });
  print({ name: `${name}, RSS each`, peer, ours: ours.kilobytesEach, theirs: theirs.kilobytesEach, unit: 'KiB' });
  const beside = `${side} ${ACTIVE} active beside them`;
  print({ name: beside, peer, ours: ours.perSecond, theirs: theirs.perSecond, unit: 'ops/s' });
  print({ name: `${beside}, p99`, peer, ours: ours.p99_ms, theirs: theirs.p99_ms, unit: 'ms' });
}
