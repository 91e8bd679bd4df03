import type { NodeId } from '#domains/kernel/ids.ts';
import { nodeStream } from '#domains/node/events.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import type { Pool } from 'pg';

import { equal, selectPage, type BadCursor, type Page, type PageRequest } from '../kernel/page.ts';
import { selectRows } from '../kernel/rows.ts';
import { pageAt, rowsAt } from '../kernel/time-travel.ts';
import { nodes, type NodeRow } from './projection.ts';

export type { NodeRow } from './projection.ts';

export interface NodeFilter {
  readonly tenantId?: string | undefined;
  readonly managerId?: string | undefined;
  /** Without it, all but deleted ones. */
  readonly state?: NodeRow['state'] | undefined;
}

/** A node, also a deleted one; null for an unknown id. */
export async function getNode(pool: Pool, id: string): Promise<NodeRow | null> {
  return (await selectRows(pool, nodes, 'WHERE id = $1', [id]))[0] ?? null;
}

/** Nodes, newest first. */
export function listNodes(pool: Pool, filter: NodeFilter, page: PageRequest): Promise<Page<NodeRow> | BadCursor> {
  const { state, tenantId, managerId } = filter;
  const states = state === undefined ? [{ sql: 'state <> ?', value: 'deleted' }] : equal({ state });
  return selectPage(pool, nodes, [...states, ...equal({ tenantId, managerId })], page);
}

/** All nodes of a tenant that are not deleted, oldest first: what a change of the tenant's state concerns. */
export function nodesOfTenant(pool: Pool, tenantId: string): Promise<NodeRow[]> {
  return selectRows(pool, nodes, `WHERE tenant_id = $1 AND state <> 'deleted' ORDER BY id`, [tenantId]);
}

/** A node as it was at a position; null when it was not there yet. */
export async function nodeAt(log: EventLog, id: string, at: bigint): Promise<NodeRow | null> {
  return (await rowsAt(log, nodes, { at, streams: [nodeStream(id as NodeId)] })).get(id) ?? null;
}

/** Nodes as they were at a position, newest first. */
export async function listNodesAt(
  log: EventLog,
  filter: NodeFilter,
  page: PageRequest,
  at: bigint,
): Promise<Page<NodeRow> | BadCursor> {
  return pageAt(log, nodes, { at, fields: filter, hidden: 'deleted' }, page);
}
