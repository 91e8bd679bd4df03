import type { EventLog } from '#infra/event-log/event-log.ts';
import type { Pool } from 'pg';

import { equal, selectPage, type BadCursor, type Page, type PageRequest } from '../kernel/page.ts';
import { selectRows } from '../kernel/rows.ts';
import { rowsAt } from '../kernel/time-travel.ts';
import { operations } from './projection.ts';
import type { OperationRow } from './row.ts';

/** An operation as readers see it. */
export interface Operation {
  readonly id: string;
  readonly kind: OperationRow['kind'];
  readonly tenantId: string | null;
  readonly state: OperationRow['state'];
  readonly percent: number;
  readonly message: string;
  readonly target: { readonly kind: string; readonly id: string };
  readonly result: OperationRow['result'];
  readonly error: { readonly code: string; readonly detail: string } | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly version: number;
}

export interface OperationFilter {
  readonly tenantId?: string | undefined;
  readonly state?: OperationRow['state'] | undefined;
  readonly kind?: OperationRow['kind'] | undefined;
  readonly targetId?: string | undefined;
}

/** An operation; null for an unknown id. */
export async function getOperation(pool: Pool, id: string): Promise<Operation | null> {
  const [row] = await selectRows(pool, operations, 'WHERE id = $1', [id]);
  return row === undefined ? null : presentOperation(row);
}

/** Operations, newest first. */
export async function listOperations(
  pool: Pool,
  filter: OperationFilter,
  page: PageRequest,
): Promise<Page<Operation> | BadCursor> {
  const { tenantId, state, kind, targetId } = filter;
  const found = await selectPage(pool, operations, equal({ tenantId, state, kind, targetId }), page);
  return found === 'bad_cursor' ? found : { ...found, items: found.items.map(presentOperation) };
}

/** The operations of these kinds that have yet to end, oldest first: what a sweeper looks after. */
export async function openOperations(pool: Pool, kinds: readonly OperationRow['kind'][]): Promise<Operation[]> {
  const where = `WHERE state IN ('pending', 'running') AND kind = ANY($1) ORDER BY id`;
  return (await selectRows(pool, operations, where, [kinds])).map(presentOperation);
}

/**
 * An operation as it was at a position; null when it was not there yet. `stream` is that whose events move it on: the node's, the
 * backup's or the restore's.
 */
export async function operationAt(log: EventLog, stream: string, id: string, at: bigint): Promise<Operation | null> {
  const row = (await rowsAt(log, operations, { at, streams: [stream] })).get(id);
  return row === undefined ? null : presentOperation(row);
}

/** An operation's row as the API shows it. */
export function presentOperation(row: OperationRow): Operation {
  const { targetKind, targetId, errorCode, errorDetail, stream: _, ...rest } = row;
  const error = errorCode === null ? null : { code: errorCode, detail: errorDetail ?? '' };
  return { ...rest, target: { kind: targetKind, id: targetId }, error };
}
