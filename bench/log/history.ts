/** Reading a history from its beginning: all events folded in Node, a projection rebuilt, aggregates replayed by their deciders. */
import type { NodeEvent } from '#domains/node/events.ts';
import { nodeDecider } from '#domains/node/decider.ts';
import { openLog } from '#infra/event-log/testing/log-under-test.ts';
import { createPool } from '#infra/postgres/pool.ts';
import { ensureViews } from '#projections/kernel/checkpoints.ts';
import { rebuild } from '#projections/kernel/rebuild.ts';
import { nodes } from '#projections/nodes/projection.ts';
import { Client } from 'pg';
import { alternate, compare } from '../resp/rounds.ts';
import { median, type BenchOptions, type Print } from '../tools/figure.ts';
import { residentMb } from '../tools/memory.ts';
import { emmettLabel } from './emmett.ts';
import { foldEmmett, rebuildEmmett } from './emmett-history.ts';
import { loadEmmett } from './emmett-load.ts';
import { eventsEach, loadLifecycles } from './lifecycles.ts';
import { startServer, type Server } from './server.ts';
import { ourDatabase } from './store.ts';

export async function benchHistory(print: Print, options: BenchOptions): Promise<void> {
  const server = await startServer();
  try {
    await benchReading(print, server, options);
    await benchRebuild(print, server, options);
  } finally {
    await server.stop();
  }
}

/** What the fold keeps: how many events of each type there were, and the last version of each stream. */
interface Folded {
  readonly types: Map<string, number>;
  readonly streams: Map<string, number>;
}

async function benchReading(print: Print, server: Server, { rounds, quick }: BenchOptions): Promise<void> {
  const count = quick ? 10_000 : 40_000;
  const ours = await ourDatabase(server, 'read_ours');
  await loadLifecycles(ours, 0, count);
  const theirs = await server.database('read_emmett');
  await loadEmmett(theirs, count);
  await Promise.all([settle(ours), settle(theirs)]);
  const under = openLog(ours);
  const deciders: number[] = [];
  const foldOurs = async (): Promise<number> => {
    const folded: Folded = { types: new Map(), streams: new Map() };
    for await (const batch of under.log.readAll({ after: 0n })) {
      for (const { type, stream, version } of batch) add(folded, type, stream, version);
    }
    return folded.streams.size;
  };
  const foldTheirs = async (): Promise<number> => {
    const folded: Folded = { types: new Map(), streams: new Map() };
    await foldEmmett(theirs, (type, stream, version) => add(folded, type, stream, version));
    return folded.streams.size;
  };
  try {
    const rate = async (fold: () => Promise<number>): Promise<number> => {
      const began = performance.now();
      const streams = await fold();
      if (streams !== count) throw new Error(`${streams} streams were read of ${count}`);
      return (count * eventsEach * 1000) / (performance.now() - began);
    };
    await alternate([foldOurs, foldTheirs], 1, rate);
    const [own = [], emmett = []] = await alternate([foldOurs, foldTheirs], rounds, rate);
    compare(print, { name: 'read', peer: emmettLabel, unit: 'events/s', atLeast: 5 }, own, emmett);
    for (let round = 0; round < rounds; round += 1) deciders.push(await replay(under.log, count));
    print({ name: 'replay', peer: null, ours: median(deciders), theirs: null, unit: 'events/s' });
  } finally {
    await under.close();
  }
}

function add({ types, streams }: Folded, type: string, stream: string, version: number): void {
  types.set(type, (types.get(type) ?? 0) + 1);
  streams.set(stream, version);
}

/** Every node's state out of the whole log, by its decider alone: events a second, reading and decoding included. */
async function replay(log: ReturnType<typeof openLog>['log'], count: number): Promise<number> {
  const states = new Map<string, ReturnType<typeof nodeDecider.evolve>>();
  const began = performance.now();
  for await (const batch of log.readAll({ after: 0n })) {
    for (const event of batch) {
      const state = states.get(event.stream) ?? nodeDecider.initialState;
      states.set(event.stream, nodeDecider.evolve(state, event as unknown as NodeEvent));
    }
  }
  if (states.size !== count) throw new Error(`${states.size} nodes were replayed of ${count}`);
  return (count * eventsEach * 1000) / (performance.now() - began);
}

/**
 * The nodes projection from an empty table. Theirs is measured with fewer events, since it takes so long; its rate does not depend on
 * how many there are.
 */
async function benchRebuild(print: Print, server: Server, { quick }: BenchOptions): Promise<void> {
  const count = quick ? 20_000 : 200_000;
  const countTheirs = quick ? 500 : 2_000;
  const url = await ourDatabase(server, 'rebuild_ours');
  await loadLifecycles(url, 0, count);
  const theirs = await server.database('rebuild_emmett');
  await loadEmmett(theirs, countTheirs);
  await Promise.all([settle(url), settle(theirs)]);

  const under = openLog(url);
  const pool = createPool(url);
  const sizes: number[] = [];
  const watch = setInterval(() => void residentMb(process.pid).then((size) => sizes.push(size)), 250);
  try {
    const client = await pool.connect();
    await ensureViews(client, [nodes]);
    client.release();
    const began = performance.now();
    await rebuild(under.log, pool, nodes);
    const ours = (count * eventsEach * 1000) / (performance.now() - began);
    const seconds = await rebuildEmmett(theirs, countTheirs);
    const what = { name: 'rebuild', peer: emmettLabel, unit: 'events/s', atLeast: 10 };
    print({ ...what, ours, theirs: (countTheirs * eventsEach) / seconds });
    // Flat: what the second half needs at most, to what the first half needed at most, when caches and pools had filled.
    const half = Math.floor(sizes.length / 2);
    const [first, second] = [Math.max(...sizes.slice(0, half)), Math.max(...sizes.slice(half))];
    const memory = { name: 'rebuild.memory', peer: 'its first half', unit: 'MiB', atMost: 1.2 };
    print({ ...memory, ours: second, theirs: first });
  } finally {
    clearInterval(watch);
    await under.close();
    await pool.end();
  }
}

/** Statistics and visibility are in order, as they are in a database that has been in use for a while. */
async function settle(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('VACUUM ANALYZE');
  await client.end();
}
