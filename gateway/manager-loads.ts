import { ManagerId } from '#domains/kernel/ids.ts';
import { headAndCheckpoints, waitForHead } from '#projections/kernel/consistency.ts';
import { listManagers } from '#projections/routing/queries.ts';
import type { Pool } from 'pg';

import type { ManagerLoads } from './placement.ts';

const views = ['routing', 'managers'];

/** What the read models say of the managers; `upToDate`: with everything that was in the log when this was called. */
export async function managerLoads(pool: Pool, upToDate: boolean): Promise<ManagerLoads> {
  if (upToDate) await waitForHead(pool, views);
  const { checkpoints } = await headAndCheckpoints(pool);
  const positions = views.map((view) => checkpoints.get(view)?.position);
  // The position comes before the rows: they may show more than it says, never less.
  const [routing] = positions;
  if (routing === undefined || positions.includes(undefined)) return { managers: [], asOf: 0n };
  const managers = await listManagers(pool);
  return { asOf: routing, managers: managers.map((one) => ({ ...one, managerId: ManagerId.parse(one.managerId) })) };
}
