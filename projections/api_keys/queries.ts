import { apiKeyStream } from '#domains/identity/events.ts';
import type { ApiKeyId } from '#domains/kernel/ids.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import type { Pool } from 'pg';

import { equal, selectPage, type BadCursor, type Page, type PageRequest } from '../kernel/page.ts';
import { selectRows } from '../kernel/rows.ts';
import { pageAt, rowsAt } from '../kernel/time-travel.ts';
import { apiKeys, type ApiKeyRow } from './projection.ts';

export type { ApiKeyRow } from './projection.ts';

export interface ApiKeyFilter {
  readonly tenantId?: string | undefined;
  readonly state?: ApiKeyRow['state'] | undefined;
}

/** An API key, also a revoked one, with the hash of its secret; null for an unknown id. */
export async function getApiKey(pool: Pool, id: string): Promise<ApiKeyRow | null> {
  return (await selectRows(pool, apiKeys, 'WHERE id = $1', [id]))[0] ?? null;
}

/** API keys with their hashes, which are not for showing, newest first; revoked ones included unless a state is given. */
export function listApiKeys(pool: Pool, filter: ApiKeyFilter, page: PageRequest): Promise<Page<ApiKeyRow> | BadCursor> {
  const { tenantId, state } = filter;
  return selectPage(pool, apiKeys, equal({ tenantId, state }), page);
}

/** The keys bound to a tenant that are not revoked: what its deletion concerns. */
export function activeApiKeysOfTenant(pool: Pool, tenantId: string): Promise<ApiKeyRow[]> {
  return selectRows(pool, apiKeys, `WHERE tenant_id = $1 AND state = 'active' ORDER BY id`, [tenantId]);
}

/** An API key as it was at a position; null when it was not there yet. */
export async function apiKeyAt(log: EventLog, id: string, at: bigint): Promise<ApiKeyRow | null> {
  return (await rowsAt(log, apiKeys, { at, streams: [apiKeyStream(id as ApiKeyId)] })).get(id) ?? null;
}

/** API keys with their hashes as they were at a position, newest first. */
export function listApiKeysAt(
  log: EventLog,
  filter: ApiKeyFilter,
  page: PageRequest,
  at: bigint,
): Promise<Page<ApiKeyRow> | BadCursor> {
  return pageAt(log, apiKeys, { at, fields: filter }, page);
}
