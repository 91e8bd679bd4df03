/**
 * Density: what 10,000 idle nodes take in one process that is left alone, against as many redis-server processes (50 are measured,
 * and multiplied), and how long it takes to make one. On the platform it is the engine process that holds them; the manager's own
 * process, one for all, is beside. Here a megabyte is a million bytes.
 */
import type { BenchOptions, Print } from '../tools/figure.ts';
import { memoryAtRest, memoryOf, type Memory } from '../tools/memory.ts';
import { bulk, openAnswered } from './load/connection.ts';
import { startPlatform, type Platform } from './platform.ts';
import { inBatches } from './rounds.ts';
import { startRedis } from './target.ts';
import { startProbedEngine } from './weigh.ts';

const NODES = 10_000;
const MEASURED = 50;
const MEGABYTES_A_MEBIBYTE = 2 ** 20 / 1e6;
const SET = { text: bulk('SET', 'key', 'value'), replyBytes: '+OK\r\n'.length };

export async function benchDensity(print: Print, { quick }: BenchOptions): Promise<void> {
  const count = quick ? NODES / 10 : NODES;
  const theirs = await redisMemory(count);
  const peer = `${count} redis-server processes`;
  const say = (what: string, { rss, pss }: Memory): void => {
    print({ name: `${what}, RSS`, peer: null, ours: rss, theirs: null, unit: 'MB', atMost: 140 });
    // Here the ratio says how many times as much the peer takes.
    const times = { peer, unit: 'MB' };
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
  await inEngine(count, print, say);
  await onPlatform(count, print, say);
}

type Say = (what: string, memory: Memory) => void;

async function inEngine(count: number, print: Print, say: Say): Promise<void> {
  // The first start of a program is not like the later ones: it compiles.
  const first = await startProbedEngine(10);
  await first.measure().finally(() => first.stop());
  const engine = await startProbedEngine(count);
  try {
    say(`engine, ${count} idle nodes`, await atRest(engine.pids()));
    await engine.useNodes();
    say(`engine, ${count} idle nodes with a key each`, await atRest(engine.pids()));
    const { creation_us: ours } = await engine.measure();
    print({ name: 'making a node inside the engine', peer: null, ours, theirs: null, unit: 'µs', atMost: 1000 });
  } finally {
    await engine.stop();
  }
}

async function onPlatform(count: number, print: Print, say: Say): Promise<void> {
  const make = (platform: Platform, name: string) => platform.node({ name, durability: 'everysec', memoryLimitMb: 1 });
  // As before: here what was compiled is kept from the first start on. Once it has a node, all of it is there.
  const first = await startPlatform({ ENGINE_PROCESSES: '1' });
  await make(first, 'first').finally(() => first.stop());
  const platform = await startPlatform({ ENGINE_PROCESSES: '1' });
  try {
    const nodes = await inBatches(count, (n) => make(platform, `idle-${n}`));
    const engines = await platform.engines();
    const managers = (await platform.managers()).filter((pid) => !engines.includes(pid));
    say(`platform, ${count} idle nodes`, await atRest(engines));
    const { rss: beside } = await atRest(managers);
    print({ name: 'the manager beside them, RSS', peer: null, ours: beside, theirs: null, unit: 'MB' });
    await inBatches(count, async (n) => (await openAnswered(nodes[n]!.address, SET)).close());
    say(`platform, ${count} idle nodes with a key each`, await atRest(engines));
  } finally {
    await platform.stop();
  }
}

async function atRest(pids: readonly number[]): Promise<Memory> {
  return inMegabytes(await memoryAtRest(pids));
}

function inMegabytes({ rss, pss }: Memory): Memory {
  return { rss: rss * MEGABYTES_A_MEBIBYTE, pss: pss * MEGABYTES_A_MEBIBYTE };
}

/** What so many idle redis-server processes would take, in megabytes. */
async function redisMemory(count: number): Promise<Memory> {
  const servers = await Promise.all(Array.from({ length: MEASURED }, () => startRedis()));
  try {
    const { rss, pss } = await memoryOf(servers.flatMap(({ pids }) => pids()));
    return inMegabytes({ rss: (rss / MEASURED) * count, pss: (pss / MEASURED) * count });
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}
