/** How long after an append began its row can be read: when nothing else happens, and at 1,000 events a second; all views are kept by a process of their own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { metadata, openLog } from '#infra/event-log/testing/log-under-test.ts';
import { waitForPosition } from '#projections/kernel/consistency.ts';
import { allViews } from '#projections/views.ts';
import { v4 as uuidv4 } from 'uuid';
import { percentile, type BenchOptions, type Print } from '../tools/figure.ts';
import { eventsEach, lifecycle, streamOf } from './lifecycles.ts';
import { startServer } from './server.ts';
import { ourDatabase } from './store.ts';

const eventsPerSecond = 1000;
/** What a reader waits at most for its own write, in 99 of 100 cases, when nothing else happens. */
const IDLE_MAX_MS = 20;
const program = path.resolve(import.meta.dirname, '../../test/tools/runner-process.ts');
const views = allViews.map(({ name }) => name);

export async function benchVisible(print: Print, { quick }: BenchOptions): Promise<void> {
  const server = await startServer();
  const url = await ourDatabase(server);
  const runner = spawn(process.execPath, [program], {
    env: { ...process.env, DATABASE_URL: url, MASTER_KEY_FILE: path.join(server.home, 'master.key') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const under = openLog(url, { max: 10 });
  try {
    for await (const state of createInterface({ input: runner.stdout })) if (state === 'live') break;
    const total = ((quick ? 5 : 30) * eventsPerSecond) / eventsEach;
    const alone: number[] = [];
    for (let n = 0; n < (quick ? 100 : 400); n += 1) {
      await sleep(20);
      alone.push(await visible(under, total + n));
    }
    tell(print, 'visible.idle', alone, { atMost: IDLE_MAX_MS });
    const latencies: number[] = [];
    // An open loop: an append begins when it is due, and what it waits for others counts.
    const began = performance.now();
    const all: Promise<unknown>[] = [];
    for (let n = 0; n < total; n += 1) {
      const due = began + (n * 1000 * eventsEach) / eventsPerSecond;
      if (due > performance.now()) await sleep(due - performance.now());
      all.push(visible(under, n).then(() => void latencies.push(performance.now() - due)));
    }
    await Promise.all(all);
    const { rows } = await under.pool.query('SELECT count(*)::int AS nodes FROM views.nodes');
    const made = total + alone.length;
    if (rows[0].nodes !== made) throw new Error(`${rows[0].nodes} rows are there of ${made}`);
    tell(print, 'visible', latencies);
  } finally {
    runner.kill();
    await once(runner, 'exit');
    await under.close();
    await server.stop();
  }
}

/** Prints the latencies but the first tenth, in which all is still warming up; the bound is that of the 99th percentile. */
function tell(print: Print, name: string, latencies: readonly number[], bound: { atMost?: number } = {}): void {
  const settled = latencies.slice(Math.floor(latencies.length / 10));
  const figure = { peer: null, theirs: null, unit: 'ms' };
  print({ ...figure, name: `${name}.p50`, ours: percentile(settled, 0.5) });
  print({ ...figure, name: `${name}.p99`, ours: percentile(settled, 0.99), ...bound });
}

/** Records a node, and waits until the views have come to its last event, as a GET after a write does; returns how many milliseconds that took. */
async function visible({ log, pool }: ReturnType<typeof openLog>, n: number): Promise<number> {
  const began = performance.now();
  const stream = streamOf(n);
  const streams = [{ stream, expectedVersion: 'no-stream', events: lifecycle(n) } as const];
  const result = await log.append({ commandUid: uuidv4(), metadata, streams });
  if (!result.ok) throw new Error(`${stream} was there already`);
  const waited = await waitForPosition(pool, views, result.lastPosition, 10_000);
  if (!waited.reached) throw new Error(`the views came to ${waited.at} only, not to ${result.lastPosition}`);
  return performance.now() - began;
}
