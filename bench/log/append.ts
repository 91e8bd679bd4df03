/** Appends of two events to a new stream each, at 1, 32 and 256 concurrent callers, and from several processes at once. */
import { compare, alternate } from '../resp/rounds.ts';
import type { BenchOptions, Print } from '../tools/figure.ts';
import { openBareInsert } from './bare.ts';
import { emmettDatabase, openEmmett } from './emmett.ts';
import { load, type Sample } from './load.ts';
import { openMessageDb } from './message-db.ts';
import { benchProcesses } from './processes.ts';
import { startServer } from './server.ts';
import { openOurs, ourDatabase } from './store.ts';

/** What the issue asks of each number of callers, as a ratio to Emmett. */
const loads = [
  { callers: 1, atLeast: 2 },
  { callers: 32, atLeast: 4 },
  { callers: 256, atLeast: 6 },
] as const;

export async function benchAppend(print: Print, { rounds, quick }: BenchOptions): Promise<void> {
  const server = await startServer();
  try {
    const ours = await ourDatabase(server);
    const stores = [
      openOurs(ours),
      await openEmmett(await emmettDatabase(server)),
      await openMessageDb(await server.database('message_db')),
    ];
    const floor = await openBareInsert(await server.database('bare'));
    const seconds = quick ? 1 : 3;
    // Connections, prepared statements and compiled code are in place before anything is measured.
    for (const store of [...stores, floor]) await load(store, 64, 2);
    for (const { callers, atLeast } of loads) {
      const compared = callers === 1 ? [...stores, floor] : stores;
      const [own = [], ...peers] = await alternate(compared, rounds, (store) => load(store, callers, seconds));
      for (const [n, theirs] of peers.entries()) {
        const peer = compared[n + 1]?.label ?? '';
        const bounded = peer === 'emmett';
        const of = (pick: keyof Sample) => [own.map((one) => one[pick]), theirs.map((one) => one[pick])] as const;
        const what = { name: `append.${callers}`, peer, unit: 'appends/s' };
        compare(print, { ...what, ...(bounded && { atLeast }) }, ...of('perSecond'));
        const late = { name: `append.${callers}.p99`, peer, unit: 'ms' };
        compare(print, { ...late, ...(bounded && callers === 32 && { atMost: 1 }) }, ...of('p99_ms'));
        compare(print, { name: `append.${callers}.p50`, peer, unit: 'ms' }, ...of('p50_ms'));
      }
    }
    for (const store of [...stores, floor]) await store.close();
    await benchProcesses(print, ours, { rounds, seconds });
  } finally {
    await server.stop();
  }
}
