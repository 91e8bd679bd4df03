/**
 * How cost grows with the log: append rate, read rate and size at 1, 10 and 50 million events, which are loaded by COPY. Takes some
 * 40 GB and, mostly for loading, the better part of an hour; `--quick` goes to 1 million only.
 */
import { openLog } from '#infra/event-log/testing/log-under-test.ts';
import { Client } from 'pg';
import { median, type BenchOptions, type Print } from '../tools/figure.ts';
import { eventsEach, loadLifecycles, streamOf } from './lifecycles.ts';
import { load } from './load.ts';
import { startServer } from './server.ts';
import { openOurs, ourDatabase } from './store.ts';

const million = 1_000_000;
/** So many events are read at each size, and so many streams. */
const [eventsRead, streamsRead] = [100_000, 500];

export async function benchGrowth(print: Print, { quick, rounds }: BenchOptions): Promise<void> {
  const server = await startServer();
  try {
    const sizes = quick ? [million / 10, million] : [million, 10 * million, 50 * million];
    for (const [n, size] of sizes.entries()) {
      // A log of its own for each size, since appends go behind what is loaded.
      const url = await ourDatabase(server, `growth_${n}`);
      for (let from = 0; from < size; from += million) {
        const to = Math.min(size, from + million);
        await loadLifecycles(url, from / eventsEach, to / eventsEach);
        console.error(`${to / million} of ${size / million} million events are loaded`);
      }
      await measure(print, url, size, rounds);
      await server.drop(`growth_${n}`);
    }
  } finally {
    await server.stop();
  }
}

async function measure(print: Print, url: string, size: number, rounds: number): Promise<void> {
  const at = `at ${size / million}M`;
  const note = (name: string, ours: number, unit: string) =>
    print({ name: `growth.${name} ${at}`, peer: null, ours, theirs: null, unit });
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('VACUUM ANALYZE');
  await client.query('CHECKPOINT');
  for (const [name, bytes] of await sizesOf(client)) note(`size of ${name}`, bytes / size, 'bytes/event');
  await client.end();

  const under = openLog(url);
  const reads: number[] = [];
  const streams: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const after = Math.floor(((size - eventsRead) * (round + 1)) / (rounds + 1));
    let began = performance.now();
    let events = 0;
    const range = { after: BigInt(after), to: BigInt(after + eventsRead) };
    for await (const batch of under.log.readAll(range)) events += batch.length;
    if (events !== eventsRead) throw new Error(`${events} events were read of ${eventsRead}`);
    reads.push((events * 1000) / (performance.now() - began));
    began = performance.now();
    for (let n = 0; n < streamsRead; n += 1) {
      const stream = streamOf(Math.floor(Math.random() * (size / eventsEach)));
      if ((await under.log.readStream(stream)).length !== eventsEach) throw new Error(`${stream} is not whole`);
    }
    streams.push((performance.now() - began) / streamsRead);
  }
  await under.close();
  note('read', median(reads), 'events/s');
  note('read of a stream', median(streams), 'ms');

  const store = openOurs(url);
  await load(store, 32, 1);
  const appends: number[] = [];
  for (let round = 0; round < rounds; round += 1) appends.push((await load(store, 32, 2)).perSecond);
  await store.close();
  note('append.32', median(appends), 'appends/s');
}

/** Bytes of all tables of the log, of each index, and of the whole; partitions count with their parents. */
async function sizesOf(client: Client): Promise<[name: string, bytes: number][]> {
  const { rows } = await client.query<{ name: string; bytes: string }>(`
    SELECT coalesce(parent.relname, c.relname) AS name, sum(pg_relation_size(c.oid)) AS bytes
    FROM pg_class c
    LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class parent ON parent.oid = i.inhparent
    WHERE c.relkind IN ('r', 'i') AND c.relnamespace = 'public'::regnamespace
      AND coalesce(parent.relname, c.relname) ~ '^(events|streams|appends)'
    GROUP BY 1 ORDER BY 2 DESC`);
  const parts = rows.map(({ name, bytes }): [string, number] => [name, Number(bytes)]);
  return [['the log', parts.reduce((sum, [, bytes]) => sum + bytes, 0)], ...parts];
}
