import type { Pool } from 'pg';

import { equal, selectPage, type BadCursor, type Page, type PageRequest } from '../kernel/page.ts';
import { selectRows } from '../kernel/rows.ts';
import { backups, type BackupRow } from './projection.ts';

export type { BackupRow } from './projection.ts';

export interface BackupFilter {
  readonly tenantId?: string | undefined;
  readonly nodeId?: string | undefined;
  /** Without it, all but deleted ones. */
  readonly state?: BackupRow['state'] | undefined;
}

/** A backup, also a deleted one; null for an unknown id. */
export async function getBackup(pool: Pool, id: string): Promise<BackupRow | null> {
  return (await selectRows(pool, backups, 'WHERE id = $1', [id]))[0] ?? null;
}

/** Backups, newest first. */
export function listBackups(pool: Pool, filter: BackupFilter, page: PageRequest): Promise<Page<BackupRow> | BadCursor> {
  const { state, tenantId, nodeId } = filter;
  const states = state === undefined ? [{ sql: 'state <> ?', value: 'deleted' }] : equal({ state });
  return selectPage(pool, backups, [...states, ...equal({ tenantId, nodeId })], page);
}
