import type { ClientBase } from 'pg';

/** A table of the log: positions from `first` up to, but not including, `end`. */
export interface Partition {
  readonly first: bigint;
  readonly end: bigint;
  readonly name: string;
  /** Whether it is what an earlier run left of one or several partitions. */
  readonly rewritten: boolean;
}

interface Row {
  readonly first_position: bigint;
  readonly end_position: bigint;
  readonly name: string;
  readonly rewritten: boolean;
}

/** The partitions that take no more events, in the order of their positions. */
export async function fullPartitions(client: ClientBase, which: 'all' | 'unsearchable' = 'all'): Promise<Partition[]> {
  const { rows } = await client.query<Row>(
    `SELECT first_position, end_position, name, rewritten FROM event_partitions
     WHERE end_position <= (SELECT position FROM head) + 1 AND ($1 OR NOT searchable) ORDER BY first_position`,
    [which === 'all'],
  );
  return rows.map(({ first_position, end_position, name, rewritten }) => ({
    first: first_position,
    end: end_position,
    name,
    rewritten,
  }));
}

/** A table's name as SQL takes it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** What filtered reads go by. They are made when a partition is full, so that appends never pay for them. */
const searchColumns = ['category', 'type', 'tenant_id'];

/** Gives a table that takes no more events the indexes of filtered reads, where it has them not yet. */
export async function indexForSearch(client: ClientBase, table: string): Promise<void> {
  for (const column of searchColumns) {
    await client.query(
      `CREATE INDEX IF NOT EXISTS ${quoted(`${table}_by_${column}`)} ON ${quoted(table)} (${column}, position)`,
    );
  }
}
