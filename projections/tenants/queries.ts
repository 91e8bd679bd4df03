import type { TenantId } from '#domains/kernel/ids.ts';
import { tenantStream } from '#domains/tenant/events.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import type { Pool } from 'pg';

import { equal, selectPage, type BadCursor, type Page, type PageRequest } from '../kernel/page.ts';
import { selectRows } from '../kernel/rows.ts';
import { pageAt, rowsAt } from '../kernel/time-travel.ts';
import { tenants, type TenantRow } from './projection.ts';

export type { TenantRow } from './projection.ts';

export interface TenantFilter {
  /** Without it, all but deleted ones. */
  readonly state?: TenantRow['state'] | undefined;
  /** For readers who may see one tenant alone. */
  readonly tenantId?: string | undefined;
}

/** A tenant, also a deleted one; null for an unknown id. */
export async function getTenant(pool: Pool, id: string): Promise<TenantRow | null> {
  return (await selectRows(pool, tenants, 'WHERE id = $1', [id]))[0] ?? null;
}

/** Tenants, newest first. */
export function listTenants(pool: Pool, filter: TenantFilter, page: PageRequest): Promise<Page<TenantRow> | BadCursor> {
  const state = filter.state === undefined ? [{ sql: 'state <> ?', value: 'deleted' }] : equal({ state: filter.state });
  return selectPage(pool, tenants, [...state, ...equal({ id: filter.tenantId })], page);
}

/** A tenant as it was at a position; null when it was not there yet. */
export async function tenantAt(log: EventLog, id: string, at: bigint): Promise<TenantRow | null> {
  return (await rowsAt(log, tenants, { at, streams: [tenantStream(id as TenantId)] })).get(id) ?? null;
}

/** Tenants as they were at a position, newest first. */
export async function listTenantsAt(
  log: EventLog,
  filter: TenantFilter,
  page: PageRequest,
  at: bigint,
): Promise<Page<TenantRow> | BadCursor> {
  const { state, tenantId } = filter;
  const streams = tenantId === undefined ? {} : { streams: [tenantStream(tenantId as TenantId)] };
  return pageAt(log, tenants, { at, ...streams, fields: { state }, hidden: 'deleted' }, page);
}
