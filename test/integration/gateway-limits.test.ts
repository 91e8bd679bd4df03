import { usualPatience } from '#gateway/dependencies.ts';
import { createLog } from '#infra/logging/log.ts';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { openSubjectKeys } from '#infra/crypto/subject-keys.ts';
import { openCodec } from '#infra/event-codec/codec.ts';
import { openPostgresEventLog } from '#infra/event-log/postgres/log.ts';
import { createPool } from '#infra/postgres/pool.ts';
import { afterEach, expect, test } from 'vitest';

import { until } from '../tools/read-side.ts';
import { type GatewayBed, openGatewayBed } from './gateway-bed.ts';

let bed: GatewayBed;
afterEach(() => bed.close());

test('a key that asks too much is told to wait, others are not', async () => {
  bed = await openGatewayBed({
    dependencies: { rateLimits: { requestsPerKey_perSecond: 20, failuresPerAddress_perMinute: 10 } },
  });
  const answers = await Promise.all(Array.from({ length: 60 }, () => bed.operator('GET', '/v1/tenants')));
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(10);
  expect(refused[0]).toMatchObject({ body: { code: 'rate_limited' }, headers: { 'retry-after': '1' } });
  const other = bed.client(await bed.keyOf('operator', null));
  expect((await other('GET', '/v1/tenants')).status).toBe(200);
});

test('guessing at keys is slowed down and fills no log, while valid keys from there still work', async () => {
  bed = await openGatewayBed({
    dependencies: { rateLimits: { requestsPerKey_perSecond: 100, failuresPerAddress_perMinute: 10 } },
  });
  const before = await bed.log.head();
  const guess = bed.client('nonsense');
  const statuses: number[] = [];
  for (let n = 0; n < 30; n += 1) statuses.push((await guess('POST', '/v1/tenants', { name: 'x' })).status);
  expect(statuses.filter((status) => status === 401)).toHaveLength(10);
  expect(statuses.filter((status) => status === 429)).toHaveLength(20);
  expect(await bed.log.head()).toBe(before + 10n);
  expect(Number((await guess('GET', '/v1/tenants')).headers['retry-after'])).toBeGreaterThan(1);
  expect((await bed.operator('GET', '/v1/tenants')).status).toBe(200);
});

test('without PostgreSQL every request is answered in time with 503, and with it all is well again', async () => {
  bed = await openGatewayBed();
  const proxy = await openProxy(new URL(bed.databaseUrl));
  const pool = createPool(proxy.url, { max: 5, name: 'behind-proxy' });
  const log = openPostgresEventLog({
    pool,
    codec: openCodec(openSubjectKeys(pool, bed.masterKey)),
    notify: true,
  });
  const cut = await openGatewayBed({
    dependencies: { log, pool, patience: { ...usualPatience, request_ms: 3000 } },
  });
  try {
    const client = cut.client(bed.operatorKey);
    expect((await client('GET', '/v1/tenants')).status).toBe(200);
    proxy.cut();
    const started = Date.now();
    const answers = await Promise.all([
      client('GET', '/v1/tenants'),
      client('POST', '/v1/tenants', { name: 'x' }),
      client('POST', '/v1/tenants/nonsense/suspend'),
    ]);
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } });
      expect(answer.headers['retry-after']).toBe('1');
    }
    expect(Date.now() - started).toBeLessThan(6000);
    expect((await client('GET', '/livez')).status).toBe(200);
    expect((await client('GET', '/readyz')).status).toBe(503);
    expect((await client('GET', '/metrics')).text).toContain('miniredis_database_up 0');

    await proxy.restore();
    let status = 0;
    for (let n = 0; n < 100 && status !== 200; n += 1) ({ status } = await client('GET', '/v1/tenants'));
    expect(status).toBe(200);

    // A server that takes connections and says nothing is the harder case.
    proxy.freeze(true);
    const frozen = Date.now();
    const late = await Promise.all([client('GET', '/v1/tenants'), client('POST', '/v1/tenants', { name: 'y' })]);
    for (const answer of late) expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(Date.now() - frozen).toBeLessThan(5000);
    proxy.freeze(false);
    await until(async () => (await client('GET', '/v1/tenants')).status === 200, 'all is well again', 20_000);
  } finally {
    proxy.freeze(false);
    await cut.close();
    await log.close();
    await pool.end();
    await proxy.close();
  }
});

test('no key, password or name gets into the log of the process', async () => {
  const file = path.join(tmpdir(), `miniredis-gateway-log-${process.pid}`);
  bed = await openGatewayBed({ dependencies: { logger: createLog('gateway', 'trace', openSync(file, 'w')) } });
  const { body: tenant } = await bed.operator('POST', '/v1/tenants', { name: 'Confidential Ltd' });
  const { body: node } = await bed.operator('POST', `/v1/tenants/${tenant.id}/nodes`, { name: 'n', memoryLimitMb: 1 });
  const { body: key } = await bed.operator('POST', '/v1/api-keys', { role: 'auditor' });
  await bed.client('mr_wrong')('GET', '/v1/tenants');
  await bed.operator('POST', '/v1/tenants', '{"name": "Confidential', { 'content-type': 'application/json' });
  const text = readFileSync(file, 'utf8');
  rmSync(file);
  expect(text.split('\n').length).toBeGreaterThan(4);
  for (const secret of [bed.operatorKey, node.endpoint.password, key.key, 'mr_wrong', 'Confidential', '127.0.0.1']) {
    expect(text).not.toContain(secret);
  }
});

/** A way to PostgreSQL that can be cut, or frozen: taken, but with nothing going through. */
async function openProxy(database: URL) {
  const pairs = new Set<readonly [Socket, Socket]>();
  let frozen = false;
  let server: Server;
  const flow = ([socket, upstream]: readonly [Socket, Socket]): void => {
    if (frozen) {
      socket.unpipe(upstream).pause();
      upstream.unpipe(socket).pause();
    } else {
      socket.pipe(upstream).pipe(socket);
    }
  };
  const listen = (port: number) =>
    new Promise<number>((resolve) => {
      server = createServer((socket) => {
        const pair = [socket, connect(Number(database.port), database.hostname)] as const;
        pairs.add(pair);
        for (const one of pair) {
          one.on('error', () => {});
          one.on('close', () => {
            pairs.delete(pair);
            for (const other of pair) other.destroy();
          });
        }
        flow(pair);
      }).listen(port, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });
  const cut = (): void => {
    server.close();
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  const port = await listen(0);
  const url = new URL(database);
  url.port = String(port);
  url.hostname = '127.0.0.1';
  return {
    url: url.href,
    cut,
    restore: () => listen(port),
    freeze(on: boolean) {
      frozen = on;
      for (const pair of pairs) flow(pair);
    },
    close: async () => cut(),
  };
}
