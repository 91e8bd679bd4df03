import { Pool, TypeOverrides } from 'pg';

const int8 = 20;

/** Positions and counts are 64-bit numbers, which a JavaScript number would round. */
const parsers = new TypeOverrides();
parsers.setTypeParser(int8, BigInt);

/**
 * Connections to PostgreSQL that come back after the server was away. `bigint` columns are read as BigInt, times as Date.
 * `name` is what `pg_stat_activity` shows. Whoever makes a pool ends it.
 */
export function createPool(url: string, options: { max?: number; name?: string } = {}): Pool {
  const pool = new Pool({
    connectionString: url,
    max: options.max ?? 10,
    application_name: options.name ?? 'miniredis',
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    types: parsers,
  });
  // A connection that breaks fails its query, and is replaced when one is next needed. That it also says so by an event, idle or
  // in use or thrown away already, must not end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}
