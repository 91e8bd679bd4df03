import type { Pool } from 'pg';

import { schema, selectRows } from '../kernel/rows.ts';
import { managers } from '../managers/projection.ts';
import { routing, type RoutingRow } from './projection.ts';

export type { RoutingRow } from './projection.ts';

/** The nodes that are not deleted and the position up to which this is so: what comes later is read from the log after it. */
export interface RoutingTable {
  readonly position: bigint;
  readonly nodes: RoutingRow[];
}

/** A node manager and how much memory it has promised to the nodes on it. */
export interface ManagerLoad {
  readonly managerId: string;
  readonly host: string;
  readonly respPort: number;
  readonly memoryBudgetMb: number;
  readonly promisedMb: number;
}

/** What a node manager begins with: its nodes (null: all nodes) and the position they are valid at, seen at one moment. */
export async function readRouting(pool: Pool, managerId: string | null): Promise<RoutingTable> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    // The lock comes before the snapshot, so a rebuild can't change the table between them.
    await client.query(`LOCK TABLE ${schema}.${routing.name} IN ACCESS SHARE MODE`);
    const { rows } = await client.query<{ position: bigint }>(
      `SELECT position FROM ${schema}.checkpoints WHERE view = $1`,
      [routing.name],
    );
    const mine = managerId === null ? '' : 'AND manager_id = $1 ';
    const values = managerId === null ? [] : [managerId];
    const nodes = await selectRows(client, routing, `WHERE state <> 'deleted' ${mine}ORDER BY node_id`, values);
    await client.query('COMMIT');
    return { position: BigInt(rows[0]?.position ?? 0), nodes };
  } catch (error) {
    broken = error as Error;
    throw error;
  } finally {
    client.release(broken);
  }
}

/** Where a node lives and what its connections are checked against; null for an unknown or deleted node. */
export async function getRoute(pool: Pool, nodeId: string): Promise<RoutingRow | null> {
  return (await selectRows(pool, routing, `WHERE node_id = $1 AND state <> 'deleted'`, [nodeId]))[0] ?? null;
}

/** All registered managers with what they have promised: what placement chooses from. */
export async function listManagers(pool: Pool): Promise<ManagerLoad[]> {
  const { rows } = await pool.query<ManagerLoad & { promisedMb: string | bigint }>(
    `SELECT m.manager_id AS "managerId", m.host, m.resp_port AS "respPort", m.memory_budget_mb AS "memoryBudgetMb",
       (SELECT coalesce(sum(n.memory_limit_mb), 0) FROM ${schema}.${routing.name} n
        WHERE n.manager_id = m.manager_id AND n.state <> 'deleted') AS "promisedMb"
     FROM ${schema}.${managers.name} m ORDER BY m.manager_id`,
  );
  return rows.map((row) => ({ ...row, promisedMb: Number(row.promisedMb) }));
}
