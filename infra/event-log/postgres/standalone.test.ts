import path from 'node:path';

import { migrate } from '#infra/postgres/migrate.ts';
import { createPool } from '#infra/postgres/pool.ts';
import { testDatabase } from '#test/tools/postgres.ts';
import { expect, test } from 'vitest';

import type { Append } from '../event-log.ts';
import { jsonCodec } from '../json-codec.ts';
import { openPostgresEventLog } from './log.ts';

test('on a plain database, with the migrations of this room alone and JSON for events, the log is whole', async () => {
  const database = await testDatabase();
  const pool = createPool(database.url);
  await pool.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP SCHEMA IF EXISTS read CASCADE');
  await migrate(database.url, [path.join(import.meta.dirname, 'migrations')]);
  const log = openPostgresEventLog({ pool, codec: jsonCodec, notify: true });
  const order: Append = {
    commandUid: '0a3f5d1e-55a1-4a3b-8a58-0f3c7a1d2b11',
    metadata: {
      actor: { kind: 'anonymous', id: 'visitor' },
      address: '192.0.2.1',
      commandId: 'order-1',
      correlationId: 'visit-1',
      causationId: null,
      trace: null,
      tenantId: null,
    },
    streams: [
      {
        stream: 'cart-1',
        expectedVersion: 'no-stream',
        events: [
          { type: 'Added', data: { item: 'tea' } },
          { type: 'Ordered', data: {} },
        ],
      },
      { stream: 'stock-tea', expectedVersion: 'any', events: [{ type: 'Taken', data: { count: 1 } }] },
    ],
  };
  const recorded = { ok: true, firstPosition: 1n, lastPosition: 3n };
  expect(await log.append(order)).toEqual({ ...recorded, repeated: false });
  expect(await log.append(order)).toEqual({ ...recorded, repeated: true });
  expect(await log.readStream('cart-1', { direction: 'backward', limit: 1 })).toMatchObject([
    { position: 2n, version: 1, type: 'Ordered', data: {}, metadata: order.metadata },
  ]);
  const taken: unknown[] = [];
  const subscription = log.subscribe({
    after: 0n,
    filter: { types: ['Taken'] },
    handle: (batch) => Promise.resolve(void taken.push(...batch.map(({ data }) => data))),
  });
  await expect.poll(() => taken).toEqual([{ count: 1 }]);
  await subscription.stop();
  await log.close();
  await pool.end();
  await database.drop();
});
