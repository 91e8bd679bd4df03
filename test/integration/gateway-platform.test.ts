import { mkdtemp, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { startRole as startGateway } from '#gateway/main.ts';
import { type Config, parseSettings, withAddresses } from '#infra/config/config.ts';
import { freePort } from '#infra/local/free-port.ts';
import type { RunningRole } from '#infra/process/role.ts';
import { startRole as startWorker } from '#workers/main.ts';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { apiClient, type ApiClient } from '../tools/api.ts';
import { testDatabase } from '../tools/postgres.ts';
import { until } from '../tools/read-side.ts';

const silent = pino({ level: 'silent' });
let config: Config;
let database: Awaited<ReturnType<typeof testDatabase>>;
let gateway: RunningRole;
let workers: RunningRole[];
let api: ApiClient;

const credentialsFile = () => path.join(config.home, 'credentials.json');
const readCredentials = async () =>
  JSON.parse(await readFile(credentialsFile(), 'utf8')) as { gatewayUrl: string; apiKey: string; respPort: number };

async function configure(home: string): Promise<Config> {
  const env = { MINIREDIS_HOME: home, GATEWAY_PORT: String(await freePort()), RESP_PORT: String(await freePort()) };
  const parsed = parseSettings(env);
  if (!parsed.ok) throw new Error(parsed.problems.join('\n'));
  return withAddresses(parsed.settings, database.url, '127.0.0.1:1');
}

beforeAll(async () => {
  database = await testDatabase();
  config = await configure(await mkdtemp(path.join(tmpdir(), 'miniredis-gateway-')));
  gateway = await startGateway('gateway', config, silent);
  workers = [await startWorker('backend', config, silent), await startWorker('node-manager', config, silent)];
  const { gatewayUrl, apiKey } = await readCredentials();
  api = apiClient(gatewayUrl, apiKey);
  await until(async () => (await fetch(`${gatewayUrl}/readyz`)).status === 200, 'the gateway is ready');
});
afterAll(async () => {
  await gateway.stop();
  for (const worker of workers.toReversed()) await worker.stop();
  await rm(config.home, { recursive: true, force: true });
  await database.drop();
});

interface CreatedNode {
  id: string;
  endpoint: { url: string };
}

async function newNode(name: string): Promise<CreatedNode> {
  const tenant = await api.must<{ id: string }>('POST', '/v1/tenants', { name });
  return api.must<CreatedNode>('POST', `/v1/tenants/${tenant.id}/nodes`, { name: 'cache', memoryLimitMb: 8 });
}

describe('exec', () => {
  let node: CreatedNode;
  let redis: Redis;
  const exec = (command: string[], headers?: Record<string, string>) =>
    api.request<{ reply?: unknown; repeated?: boolean; code?: string; detail?: string }>(
      'POST',
      `/v1/nodes/${node.id}/exec`,
      { command },
      headers,
    );
  beforeAll(async () => {
    node = await newNode('exec');
    redis = new Redis(node.endpoint.url, { retryStrategy: () => null });
  });
  afterAll(() => redis.disconnect());

  test('runs on the node that clients see, and gives replies of every kind', async () => {
    expect((await exec(['SET', 'k', 'Zürich'])).body).toEqual({ reply: 'OK' });
    expect(await redis.get('k')).toBe('Zürich');
    expect((await exec(['get', 'k'])).body).toEqual({ reply: 'Zürich' });
    expect((await exec(['GET', 'none'])).body).toEqual({ reply: null });
    expect((await exec(['RPUSH', 'l', 'a', 'b'])).body).toEqual({ reply: 2 });
    expect((await exec(['LRANGE', 'l', '0', '-1'])).body).toEqual({ reply: ['a', 'b'] });
    await exec(['HSET', 'h', 'f', 'v']);
    expect((await exec(['HGETALL', 'h'])).body).toEqual({ reply: ['f', 'v'] });
    await redis.set('bytes', Buffer.from([0xff, 0x00]));
    expect((await exec(['GET', 'bytes'])).body).toEqual({ reply: { base64: '/wA=' } });
    await redis.set('big', '9223372036854775806');
    const answer = await fetch(`${api.gatewayUrl}/v1/nodes/${node.id}/exec`, {
      method: 'POST',
      headers: { authorization: `Bearer ${api.apiKey}`, 'content-type': 'application/json' },
      body: '{"command":["INCR","big"]}',
    });
    expect(await answer.text()).toBe('{"reply":9223372036854775807}');
  });

  test("passes on Redis's own errors, and the connection stays of use", async () => {
    expect(await exec(['INCR', 'k'])).toMatchObject({
      status: 422,
      body: { code: 'redis_error', detail: 'ERR value is not an integer or out of range' },
    });
    expect(await exec(['NOSUCHCOMMAND'])).toMatchObject({ status: 422, body: { code: 'redis_error' } });
    expect(await exec(['GET', 'k'])).toMatchObject({ status: 200 });
  });

  test('a repeat does not run again, and is recorded once, by the name of the command alone', async () => {
    const once = { 'idempotency-key': 'incr once' };
    expect((await exec(['INCR', 'counter'], once)).body).toEqual({ reply: 1 });
    const again = await exec(['INCR', 'counter'], once);
    expect(again.body).toEqual({ reply: null, repeated: true });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(await redis.get('counter')).toBe('1');
    expect((await exec(['INCR', 'other'], once)).body.code).toBe('idempotency_key_reused');

    await exec(['SET', 'secret-key', 'secret-value']);
    const { items } = await api.must<{ items: Record<string, unknown>[] }>(
      'GET',
      '/v1/audit?action=ExecuteOnNode&q=incr',
    );
    expect(items.map(({ redisCommand }) => redisCommand)).toEqual(['INCR', 'INCR', 'INCR']);
    const history = await fetch(`${api.gatewayUrl}/v1/events`, { headers: { authorization: `Bearer ${api.apiKey}` } });
    expect(await history.text()).not.toMatch(/secret-key|secret-value/);
  });

  test('is refused while the node does not run, and reaches it again afterwards', async () => {
    await api.must('POST', `/v1/nodes/${node.id}/stop`);
    expect(await exec(['GET', 'k'])).toMatchObject({ status: 409, body: { code: 'node_not_running' } });
    await api.must('POST', `/v1/nodes/${node.id}/start`);
    expect((await exec(['GET', 'k'])).body).toEqual({ reply: 'Zürich' });
  });

  test('a hundred at once over one connection keep their replies apart', async () => {
    const replies = await Promise.all(Array.from({ length: 100 }, (_, n) => exec(['ECHO', `echo ${n}`])));
    expect(replies.map(({ body }) => body.reply)).toEqual(Array.from({ length: 100 }, (_, n) => `echo ${n}`));
  });
});

describe('credentials.json', () => {
  async function restarted(changed: Partial<Config> = {}): Promise<void> {
    await gateway.stop();
    config = { ...config, ...changed };
    gateway = await startGateway('gateway', config, silent);
    const { gatewayUrl, apiKey } = await readCredentials();
    api = apiClient(gatewayUrl, apiKey);
  }
  const operators = async () => {
    const { items } = await api.must<{ items: { id: string; role: string }[] }>('GET', '/v1/api-keys?state=active');
    return items.filter(({ role }) => role === 'operator').map(({ id }) => id);
  };

  test('is for its owner alone, and holds what the design says', async () => {
    expect((await stat(credentialsFile())).mode & 0o777).toBe(0o600);
    expect(await readCredentials()).toEqual({
      gatewayUrl: `http://127.0.0.1:${config.gatewayPort}`,
      apiKey: expect.stringMatching(/^mr_key_[0-9a-z]{26}_[A-Za-z0-9_-]{43}$/) as string,
      respPort: config.respPort,
    });
  });

  test('stays as it is over restarts, and follows when ports change', async () => {
    const before = await readCredentials();
    await restarted();
    expect(await readCredentials()).toEqual(before);
    await restarted({ gatewayPort: await freePort() });
    expect(await readCredentials()).toEqual({ ...before, gatewayUrl: `http://127.0.0.1:${config.gatewayPort}` });
    expect(await operators()).toHaveLength(1);
  });

  test('lost, is made anew with a new key', async () => {
    const before = await readCredentials();
    await unlink(credentialsFile());
    await restarted();
    expect((await readCredentials()).apiKey).not.toBe(before.apiKey);
    expect(await operators()).toHaveLength(2);
  });

  test('a start that was killed before or after the key became valid is gone on with', async () => {
    const current = await readCredentials();
    const count = (await operators()).length;
    // Killed after the draft was written, and again after its key was recorded: the last step was not made.
    const draft = { ...current, apiKey: `mr_key_${'0'.repeat(25)}1_${'A'.repeat(43)}` };
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await writeFile(`${credentialsFile()}.draft`, JSON.stringify(draft));
      await unlink(credentialsFile());
      await restarted();
      expect((await readCredentials()).apiKey).toBe(draft.apiKey);
      expect(await operators()).toHaveLength(count + 1);
    }
    // Killed while the draft was being written.
    await writeFile(`${credentialsFile()}.draft`, '{"gatewayUrl"');
    await unlink(credentialsFile());
    await restarted();
    expect(await operators()).toHaveLength(count + 2);
  });

  test('a key that was revoked on purpose is not replaced while there is another', async () => {
    const { apiKey } = await readCredentials();
    const other = await api.must<{ key: string }>('POST', '/v1/api-keys', { role: 'operator' });
    await api.must('DELETE', `/v1/api-keys/${apiKey.slice(3, 33)}`);
    await restarted();
    expect((await readCredentials()).apiKey).toBe(apiKey);
    await writeFile(credentialsFile(), JSON.stringify({ ...(await readCredentials()), apiKey: other.key }));
    await restarted();
    expect(await operators()).toContain(other.key.slice(3, 33));
  });
});
