import { backupStream } from '#domains/backup/events.ts';
import type { BackupId } from '#domains/kernel/ids.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import type { Pool } from 'pg';

import { equal, selectPage, type BadCursor, type Page, type PageRequest } from '../kernel/page.ts';
import { selectRows } from '../kernel/rows.ts';
import { pageAt, rowsAt } from '../kernel/time-travel.ts';
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

/** A backup as it was at a position; null when it was not there yet. */
export async function backupAt(log: EventLog, id: string, at: bigint): Promise<BackupRow | null> {
  return (await rowsAt(log, backups, { at, streams: [backupStream(id as BackupId)] })).get(id) ?? null;
}

/** Backups as they were at a position, newest first. */
export function listBackupsAt(
  log: EventLog,
  filter: BackupFilter,
  page: PageRequest,
  at: bigint,
): Promise<Page<BackupRow> | BadCursor> {
  return pageAt(log, backups, { at, fields: filter, hidden: 'deleted' }, page);
}
