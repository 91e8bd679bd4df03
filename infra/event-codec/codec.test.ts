import type { Append } from '#infra/event-log/event-log.ts';
import { appendOf, metadata, openLog, type LogUnderTest } from '#infra/event-log/testing/log-under-test.ts';
import { testDatabase } from '#test/tools/postgres.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { openCodec } from './codec.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let under: LogUnderTest;

beforeEach(async () => {
  database = await testDatabase();
  under = openLog(database.url, { notify: false });
});
afterEach(async () => {
  await under.close();
  await database.drop();
});

/** An append by a person with a name for a tenant, from an address. */
function creation(tenantId: string, name: string, keyId: string, address: string | null): Append {
  const created = { type: 'TenantCreated', data: { tenantId, name, plan: 'free' } };
  return {
    ...appendOf([`tenant-${tenantId}`, 'no-stream', created]),
    metadata: { ...metadata, actor: { kind: 'api-key', id: keyId }, address },
  };
}

async function names(log: LogUnderTest['log'], ...tenantIds: string[]): Promise<unknown[]> {
  const streams = await Promise.all(tenantIds.map((tenantId) => log.readStream(`tenant-${tenantId}`)));
  return streams.map(([event]) => [(event?.data as { name: unknown } | undefined)?.name, event?.metadata.address]);
}

test('what is personal is nowhere in the database in the clear', async () => {
  await under.log.append(creation('tnt_1', 'Ada Lovelace', 'key_1', '203.0.113.77'));
  const { rows } = await under.pool.query<{ data: Buffer; address: Buffer; row: string }>(
    `SELECT data, address, e::text AS row FROM events e`,
  );
  for (const { data, address, row } of rows) {
    for (const secret of ['Ada Lovelace', 'Lovelace', '203.0.113.77']) {
      for (const encoding of ['utf8', 'base64', 'hex'] as const) {
        const text = Buffer.from(secret).toString(encoding);
        expect(data.includes(text) || address.includes(text) || row.includes(text)).toBe(false);
      }
    }
    // What is not personal can be read by anyone who has the schema.
    expect(data.includes('tnt_1')).toBe(true);
  }
  expect(await names(under.log, 'tnt_1')).toEqual([['Ada Lovelace', '203.0.113.77']]);
});

describe('ciphertext belongs to one place', () => {
  test('an address moved to another event of the same person does not open there', async () => {
    await under.log.append(creation('tnt_1', 'One', 'key_1', '203.0.113.1'));
    await under.log.append(creation('tnt_2', 'Two', 'key_1', '203.0.113.2'));
    await under.pool.query(
      'UPDATE events SET address = (SELECT address FROM events WHERE position = 1) WHERE position = 2',
    );
    await expect(under.log.readStream('tenant-tnt_2')).rejects.toThrow();
    expect(await names(under.log, 'tnt_1')).toEqual([['One', '203.0.113.1']]);
  });

  test('a name moved to another event, with its subject and all, does not open there', async () => {
    await under.log.append(creation('tnt_1', 'One', 'key_1', null));
    await under.log.append(creation('tnt_2', 'Two', 'key_1', null));
    await under.pool.query('UPDATE events SET data = (SELECT data FROM events WHERE position = 1) WHERE position = 2');
    await expect(under.log.readStream('tenant-tnt_2')).rejects.toThrow();
  });

  test('a name does not open as an address, though event and person are the same', async () => {
    // The tenant is its own actor here, so both fields are under one key.
    await under.log.append(creation('tnt_1', '203.0.113.1', 'tnt_1', '203.0.113.1'));
    const codec = openCodec(under.keys);
    const append = creation('tnt_1', '203.0.113.1', 'tnt_1', '203.0.113.1');
    const { streams } = await codec.encode(append);
    const event = streams[0]?.events[0];
    if (event === undefined) throw new Error('unreachable');
    const sealedName = /[A-Za-z0-9+/]{40,}={0,2}/.exec(event.data.toString('latin1'))?.[0] ?? '';
    const moved = {
      ...event,
      address: Buffer.from(sealedName, 'base64'),
      position: 1n,
      stream: 'tenant-tnt_1',
      version: 0,
      recordedAt: '',
      metadata: append.metadata,
    };
    expect(sealedName).not.toBe('');
    await expect(codec.decode([{ ...moved, address: event.address }])).resolves.toMatchObject([
      { data: { name: '203.0.113.1' }, metadata: { address: '203.0.113.1' } },
    ]);
    await expect(codec.decode([moved])).rejects.toThrow();
  });
});

describe('erasing a subject', () => {
  test('makes everything about them null, and leaves all else as it is', async () => {
    await under.log.append(creation('tnt_1', 'One', 'key_1', '203.0.113.1'));
    await under.log.append(creation('tnt_2', 'Two', 'key_1', '203.0.113.2'));
    const before = await under.log.readStream('tenant-tnt_1');
    await under.keys.erase('tnt_1');
    expect(await names(under.log, 'tnt_1', 'tnt_2')).toEqual([
      [null, '203.0.113.1'],
      ['Two', '203.0.113.2'],
    ]);
    await under.keys.erase('key_1');
    expect(await names(under.log, 'tnt_1', 'tnt_2')).toEqual([
      [null, null],
      ['Two', null],
    ]);
    const other = openLog(database.url, { notify: false });
    expect(await names(other.log, 'tnt_1', 'tnt_2')).toEqual([
      [null, null],
      ['Two', null],
    ]);
    await other.close();
    const [event] = before;
    expect(await under.log.readStream('tenant-tnt_1')).toEqual([
      { ...event, data: { ...(event?.data as object), name: null }, metadata: { ...event?.metadata, address: null } },
    ]);
  });

  test('what is written about them later is erased from the start', async () => {
    await under.keys.erase('tnt_3');
    await under.keys.erase('key_3');
    await under.log.append(creation('tnt_3', 'Three', 'key_3', '203.0.113.3'));
    expect(await names(under.log, 'tnt_3')).toEqual([[null, null]]);
  });
});

test('a batch is decoded with one question for all its keys, however many people it is about', async () => {
  for (let n = 0; n < 30; n += 1) await under.log.append(creation(`tnt_${n}`, `Name ${n}`, `key_${n}`, `10.0.0.${n}`));
  const asked: number[] = [];
  const codec = openCodec({
    ...under.keys,
    forReading(subjects) {
      const list = [...subjects];
      asked.push(list.length);
      return under.keys.forReading(list);
    },
  });
  const append = creation('tnt_x', 'X', 'key_x', '::1');
  const { streams } = await codec.encode(append);
  const event = streams[0]?.events[0];
  if (event === undefined) throw new Error('unreachable');
  const stored = { ...event, position: 1n, stream: 's', version: 0, recordedAt: '', metadata: append.metadata };
  await codec.decode(Array.from({ length: 100 }, () => stored));
  expect(asked).toEqual([2]);

  const fresh = openLog(database.url, { notify: false });
  let queries = 0;
  fresh.pool.on('acquire', () => {
    queries += 1;
  });
  for await (const batch of fresh.log.readAll({ after: 0n, to: 30n })) expect(batch.length).toBe(30);
  // One for the end of the log, one for the events, one for the keys.
  expect(queries).toBe(3);
  await fresh.close();
});

test('events nobody is in need no keys', async () => {
  const codec = openCodec({
    forWriting: () => Promise.reject(new Error('no keys wanted')),
    forReading: () => Promise.reject(new Error('no keys wanted')),
    erase: () => Promise.resolve(),
  });
  const append = appendOf(['node-1', 'any', { type: 'NodeStopped', data: { nodeId: 'node_1' } }]);
  const { streams } = await codec.encode(append);
  expect(streams[0]?.events[0]).toMatchObject({ type: 'NodeStopped', schemaVersion: 1, address: null });
  await expect(codec.encode(creation('t', 'n', 'k', null))).rejects.toThrow('no keys wanted');
});
