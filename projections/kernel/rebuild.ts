import { setTimeout as sleep } from 'node:timers/promises';

import type { EventLog } from '#infra/event-log/event-log.ts';
import type { ClientBase, Pool } from 'pg';

import { definitionOf, lockCheckpoints, shapeOf } from './checkpoints.ts';
import { liveTable, schema } from './rows.ts';
import { fill, type Filling } from './fill.ts';
import { withSideTable, type SideTable } from './side-table.ts';
import type { AnyView } from './view.ts';

/** So few events are applied while the runner waits; it takes some milliseconds. */
const closeEnough = 500n;
/** Readers that came later queue behind the swap, so it gives way to a long reader and tries again. */
const swapPatience = '250ms';
const swapAttempts = 200;

/**
 * Makes a view anew from the log, beside the live one, while that one goes on being read and moved. When both have come to the same
 * position they change places in one transaction: every reader sees the one or the other, whole. A halted view goes on from there.
 * Returns the position of the swap.
 */
export function rebuild(log: EventLog, pool: Pool, view: AnyView, watching: Filling = {}): Promise<bigint> {
  return withSideTable(pool, view, async (client, side) => {
    for (let head = await log.head(); ; head = await log.head()) {
      if (side.position > 0n && head - side.position <= closeEnough) break;
      await fill(client, log, view, side, head, watching);
      if (head === 0n) break;
    }
    const { indexes } = definitionOf(view, side.table);
    if (indexes !== '') await client.query(indexes);
    await client.query(`ANALYZE ${side.table}`);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await swap(client, log, view, side);
      } catch (error) {
        const busy = (error as { code?: string }).code === '55P03';
        if (!busy || attempt === swapAttempts) throw error;
        await sleep(50);
      }
    }
  });
}

async function swap(client: ClientBase, log: EventLog, view: AnyView, side: SideTable): Promise<bigint> {
  const arriving = { ...side };
  await client.query('BEGIN');
  try {
    await client.query('SET LOCAL synchronous_commit = on');
    await client.query(`SET LOCAL lock_timeout = '${swapPatience}'`);
    const live = (await lockCheckpoints(client, [view])).get(view.name);
    if (live === undefined) throw new Error(`The view ${view.name} has no checkpoint; start the platform once.`);
    // A view that stands still is brought to where the others are, so that it goes on with them.
    const standsStill = live.haltedAt !== null || live.shape !== shapeOf(view);
    await fill(client, log, view, arriving, standsStill ? await log.head() : live.position);
    await client.query(`DROP TABLE ${liveTable(view)}`);
    await client.query(`ALTER TABLE ${arriving.table} RENAME TO ${view.name}`);
    await client.query(
      `UPDATE ${schema}.checkpoints SET position = $2, shape = $3, halted_at = NULL, error = NULL WHERE view = $1`,
      [view.name, arriving.position.toString(), shapeOf(view)],
    );
    await client.query('COMMIT');
    return arriving.position;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
