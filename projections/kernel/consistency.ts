import { setTimeout as sleep } from 'node:timers/promises';

import type { EventLog } from '#infra/event-log/event-log.ts';
import type { Pool } from 'pg';

import { schema } from './rows.ts';

/** Where the log ends and how far each view has come, at one moment. */
export interface Reading {
  readonly head: bigint;
  readonly checkpoints: ReadonlyMap<string, { readonly position: bigint; readonly halted: boolean }>;
}

/** Whether the views have come to a position; `at` is the position that the last of them has come to. */
export type Waited =
  | { readonly reached: true; readonly at: bigint }
  | { readonly reached: false; readonly at: bigint; readonly halted: readonly string[] };

const logsElsewhere = new WeakMap<Pool, Pick<EventLog, 'head'>>();

/** Says that the log is not in the database of the read models, so that its head must be asked for beside; undefined: it is there. */
export function readHeadFrom(pool: Pool, log: Pick<EventLog, 'head'> | undefined): void {
  if (log === undefined) logsElsewhere.delete(pool);
  else logsElsewhere.set(pool, log);
}

/** The head and all checkpoints, in one query where the log is in the same database. */
export async function headAndCheckpoints(pool: Pool): Promise<Reading> {
  const elsewhere = logsElsewhere.get(pool);
  if (elsewhere === undefined) return readBoth(pool);
  const [head, { checkpoints }] = await Promise.all([elsewhere.head(), readBoth(pool)]);
  return { head, checkpoints };
}

/** Before the platform's first start there are no checkpoints. */
async function readBoth(pool: Pool): Promise<Reading> {
  const query = {
    name: 'head-and-checkpoints',
    text: `SELECT h.position AS head, c.view, c.position, c.halted_at IS NOT NULL AS halted
           FROM head h LEFT JOIN ${schema}.checkpoints c ON true`,
  };
  try {
    const { rows } = await pool.query<{ head: bigint; view: string | null; position: bigint; halted: boolean }>(query);
    const moved = rows.flatMap(({ view, position, halted }) =>
      view === null ? [] : [[view, { position, halted }] as const],
    );
    return { head: BigInt(rows[0]?.head ?? 0), checkpoints: new Map(moved) };
  } catch (error) {
    // The runner makes the tables at its first start.
    if ((error as { code?: string }).code !== '42P01') throw error;
    const { rows } = await pool.query<{ position: bigint }>('SELECT position FROM head');
    return { head: BigInt(rows[0]?.position ?? 0), checkpoints: new Map() };
  }
}

/**
 * Waits until the views have everything that was in the log when this was called: a reader then sees every write that was
 * acknowledged before. Mostly one query. A halted view is not waited for.
 */
export async function waitForHead(pool: Pool, views: readonly string[], timeout_ms = 2000): Promise<Waited> {
  const reading = await freshReading(pool);
  return waitFrom(reading, pool, views, reading.head, timeout_ms);
}

/** Waits until the views have come to a position. A halted view is not waited for. */
export async function waitForPosition(
  pool: Pool,
  views: readonly string[],
  position: bigint,
  timeout_ms = 2000,
): Promise<Waited> {
  return waitFrom(await freshReading(pool), pool, views, position, timeout_ms);
}

async function waitFrom(
  first: Reading,
  pool: Pool,
  views: readonly string[],
  position: bigint,
  timeout_ms: number,
): Promise<Waited> {
  const start = performance.now();
  for (let reading = first; ; reading = await freshReading(pool)) {
    const at = leastOf(reading, views);
    if (at !== null && at >= position) return { reached: true, at };
    const halted = views.filter((view) => reading.checkpoints.get(view)?.halted === true);
    const waited_ms = performance.now() - start;
    if (halted.length > 0 || waited_ms >= timeout_ms) return { reached: false, at: at ?? 0n, halted };
    // Mostly the views are there within some milliseconds; who waits for long asks less often.
    await sleep(Math.min(1 + waited_ms / 20, 25, Math.max(1, timeout_ms - waited_ms)));
  }
}

/** How far the last of the views has come; null when one of them does not exist yet. */
function leastOf({ checkpoints }: Reading, views: readonly string[]): bigint | null {
  let least: bigint | null = null;
  for (const view of views) {
    const checkpoint = checkpoints.get(view);
    if (checkpoint === undefined) return null;
    if (least === null || checkpoint.position < least) least = checkpoint.position;
  }
  return least;
}

interface Sharing {
  current: Promise<Reading> | null;
  next: Promise<Reading> | null;
}

const sharing = new WeakMap<Pool, Sharing>();

/** A reading that began after this call. All who ask while one is under way share the one after it. */
function freshReading(pool: Pool): Promise<Reading> {
  const shared = sharing.get(pool) ?? { current: null, next: null };
  sharing.set(pool, shared);
  if (shared.current === null) return beginReading(pool, shared);
  const begin = () => beginReading(pool, shared);
  shared.next ??= shared.current.then(begin, begin);
  return shared.next;
}

function beginReading(pool: Pool, shared: Sharing): Promise<Reading> {
  shared.next = null;
  const reading = headAndCheckpoints(pool).finally(() => {
    if (shared.current === reading) shared.current = null;
  });
  shared.current = reading;
  return reading;
}
