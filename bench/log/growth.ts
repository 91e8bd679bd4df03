/**
 * How cost grows with the log: append rate, read rate and size at 1, 10 and 50 million events, which are loaded by COPY. Takes some
 * 35 GB and, mostly for loading, half an hour; `--quick` goes to 1 million only.
 */
import { openLog } from '#infra/event-log/testing/log-under-test.ts';
import type { Pool } from 'pg';
import { alternate } from '../resp/rounds.ts';
import { median, type BenchOptions, type Figure, type Print } from '../tools/figure.ts';
import { eventsEach, loadLifecycles, streamOf } from './lifecycles.ts';
import { load } from './load.ts';
import { startServer } from './server.ts';
import { openOurs, ourDatabase, type Store } from './store.ts';

const million = 1_000_000;
/** So many events are read at each size, and so many streams. */
const [eventsRead, streamsRead] = [100_000, 500];

/** A log of so many events, opened. */
interface Loaded {
  readonly size: number;
  readonly under: ReturnType<typeof openLog>;
  readonly store: Store;
}

/** What one round saw. */
interface Seen {
  readonly read: number;
  readonly readOfAStream: number;
  readonly append: number;
  readonly wal: number;
}

export async function benchGrowth(print: Print, { quick, rounds }: BenchOptions): Promise<void> {
  const server = await startServer();
  const logs: Loaded[] = [];
  try {
    for (const size of quick ? [million / 10, million] : [million, 10 * million, 50 * million]) {
      const url = await ourDatabase(server, `growth_${size}`);
      for (let from = 0; from < size; from += million) {
        const to = Math.min(size, from + million);
        await loadLifecycles(url, from / eventsEach, to / eventsEach);
        console.error(`${to / million} of ${size / million} million events are loaded`);
      }
      const loaded = { size, under: openLog(url), store: openOurs(url) };
      logs.push(loaded);
      await loaded.under.pool.query('VACUUM ANALYZE');
      await loaded.under.pool.query('CHECKPOINT');
      for (const [name, bytes] of await sizesOf(loaded.under.pool)) {
        print(figure(size, `size of ${name}`, bytes / size, 'bytes/event'));
      }
    }
    // The sizes take turns, since the moods of a machine last longer than a round.
    for (const { store } of logs) await load(store, 32, 1);
    const seen = await alternate(logs, rounds, (loaded, round) => look(loaded, (round + 1) / (rounds + 1)));
    for (const [n, { size }] of logs.entries()) {
      const all = seen[n] ?? [];
      const middle = (what: keyof Seen) => median(all.map((one) => one[what]));
      print(figure(size, 'read', middle('read'), 'events/s'));
      print(figure(size, 'read of a stream', middle('readOfAStream'), 'ms'));
      print(figure(size, 'append.32', middle('append'), 'appends/s'));
      print(figure(size, 'append.32.wal', middle('wal'), 'bytes/append'));
    }
  } finally {
    for (const { under, store } of logs) await Promise.all([under.close(), store.close()]);
    await server.stop();
  }
}

function figure(size: number, name: string, ours: number, unit: string): Figure {
  return { name: `growth.${name} at ${size / million}M`, peer: null, ours, theirs: null, unit };
}

/** Reads a stretch that lies so far into the log and some streams from all over it, and appends for two seconds. */
async function look({ size, under, store }: Loaded, share: number): Promise<Seen> {
  const after = Math.floor((size - eventsRead) * share);
  let began = performance.now();
  let events = 0;
  for await (const batch of under.log.readAll({ after: BigInt(after), to: BigInt(after + eventsRead) }))
    events += batch.length;
  if (events !== eventsRead) throw new Error(`${events} events were read of ${eventsRead}`);
  const read = (events * 1000) / (performance.now() - began);

  began = performance.now();
  for (let n = 0; n < streamsRead; n += 1) {
    const stream = streamOf(Math.floor(Math.random() * (size / eventsEach)));
    if ((await under.log.readStream(stream)).length !== eventsEach) throw new Error(`${stream} is not whole`);
  }
  const readOfAStream = (performance.now() - began) / streamsRead;

  const before = await walOf(under.pool);
  const seconds = 2;
  const { perSecond } = await load(store, 32, seconds);
  return { read, readOfAStream, append: perSecond, wal: ((await walOf(under.pool)) - before) / (perSecond * seconds) };
}

/** How many bytes the server has written to its log, which does not depend on what else the machine does. */
async function walOf(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ bytes: number }>(
    `SELECT (pg_current_wal_insert_lsn() - '0/0')::double precision AS bytes`,
  );
  return rows[0]?.bytes ?? 0;
}

/** Bytes of all tables of the log, of each index, and of the whole; partitions count with their parents. */
async function sizesOf(pool: Pool): Promise<[name: string, bytes: number][]> {
  const { rows } = await pool.query<{ name: string; bytes: string }>(`
    SELECT coalesce(parent.relname, c.relname) AS name, sum(pg_relation_size(c.oid)) AS bytes
    FROM pg_class c
    LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class parent ON parent.oid = i.inhparent
    WHERE c.relkind IN ('r', 'i') AND c.relnamespace = 'public'::regnamespace
      AND coalesce(parent.relname, c.relname) ~ '^(events|streams|appends)'
    GROUP BY 1 ORDER BY 2 DESC`);
  const parts = rows.map(({ name, bytes }): [string, number] => [name, Number(bytes)]);
  return [['the log', parts.reduce((sum, [, bytes]) => sum + bytes, 0)], ...parts];
}
