import type { Pool } from 'pg';

import { equal, selectPage, type BadCursor, type Condition, type Page, type PageRequest } from '../kernel/page.ts';
import { selectRows } from '../kernel/rows.ts';
import { audit, type AuditRow } from './projection.ts';

/** An entry of the timeline as readers see it. */
export interface AuditItem {
  readonly position: bigint;
  readonly recordedAt: string;
  readonly actor: { readonly kind: string; readonly id: string };
  readonly tenantId: string | null;
  readonly action: string;
  readonly target: { readonly kind: string; readonly id: string };
  readonly outcome: AuditRow['outcome'];
  readonly code: string | null;
  /** Null where there was none, and once the person behind it was erased. */
  readonly address: string | null;
  readonly commandId: string;
  readonly correlationId: string;
  readonly causationId: string | null;
  /** The Redis command's name, where data was accessed through the gateway. */
  readonly redisCommand: string | null;
}

export interface AuditFilter {
  /** Whoever may see one tenant alone gets this set to it. */
  readonly tenantId?: string | undefined;
  /** The actor's id. */
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly outcome?: AuditRow['outcome'] | undefined;
  /** Recorded at or after. */
  readonly from?: Date | undefined;
  /** Recorded before. */
  readonly to?: Date | undefined;
  /** Text that stands in the action, target, actor, code, correlation or Redis command; letter case does not matter. */
  readonly q?: string | undefined;
  /** The timeline as it was at this position: entries are never changed, so there are only fewer. */
  readonly at?: bigint | undefined;
}

const searched = ['action', 'target_kind', 'target_id', 'actor_id', 'code', 'correlation_id', 'redis_command'];

/** The timeline, newest first. */
export async function listAudit(
  pool: Pool,
  filter: AuditFilter,
  page: PageRequest,
): Promise<Page<AuditItem> | BadCursor> {
  const { tenantId, actor, action, outcome, from, to, q, at } = filter;
  const conditions: Condition[] = equal({ tenantId, actorId: actor, action, outcome });
  if (from !== undefined) conditions.push({ sql: 'recorded_at >= ?', value: from.toISOString() });
  if (to !== undefined) conditions.push({ sql: 'recorded_at < ?', value: to.toISOString() });
  if (at !== undefined) conditions.push({ sql: 'position <= ?', value: at.toString() });
  if (q !== undefined && q !== '') conditions.push(containing(q));
  const found = await selectPage(pool, audit, conditions, page);
  return found === 'bad_cursor' ? found : { ...found, items: found.items.map(shown) };
}

/** The entry at a position; null when what stands there is no entry. */
export async function getAuditItem(pool: Pool, position: bigint): Promise<AuditItem | null> {
  const [row] = await selectRows(pool, audit, 'WHERE position = $1', [position.toString()]);
  return row === undefined ? null : shown(row);
}

function containing(text: string): Condition {
  const literal = text.replaceAll(/[\\%_]/g, '\\$&').replaceAll('\0', '');
  return { sql: `(${searched.map((column) => `${column} ILIKE ?`).join(' OR ')})`, value: `%${literal}%` };
}

function shown(row: AuditRow): AuditItem {
  const { actorKind, actorId, targetKind, targetId, ...rest } = row;
  return { ...rest, actor: { kind: actorKind, id: actorId }, target: { kind: targetKind, id: targetId } };
}
