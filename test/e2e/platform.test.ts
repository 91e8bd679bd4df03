import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '#infra/local/free-port.ts';
import { apiClient, type ApiClient } from '../tools/api.ts';
import { isReady, readPlatformFile, startPlatform, type StartedPlatform } from '../tools/platform.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');

interface Node {
  readonly id: string;
  readonly endpoint: { host: string; port: number; username: string; password: string; url: string };
}

async function start(home: string): Promise<StartedPlatform> {
  const env = { GATEWAY_PORT: String(await freePort()), RESP_PORT: String(await freePort()) };
  return startPlatform({ home, env });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function newNode(api: ApiClient, name: string): Promise<Node> {
  const tenant = await api.must<{ id: string }>('POST', '/v1/tenants', { name: `tenant of ${name}` });
  return api.must<Node>('POST', `/v1/tenants/${tenant.id}/nodes`, { name, memoryLimitMb: 64, durability: 'always' });
}

describe('the platform in one command', () => {
  const homes: string[] = [];
  let first: StartedPlatform;
  let second: StartedPlatform;

  beforeAll(async () => {
    for (const name of ['a', 'b']) homes.push(await mkdtemp(join(tmpdir(), `miniredis-e2e-${name}-`)));
    [first, second] = await Promise.all([start(homes[0] ?? ''), start(homes[1] ?? '')]);
  }, 120_000);

  afterAll(async () => {
    await Promise.all([first, second].map((platform) => platform?.stop()));
    for (const home of homes) await rm(home, { recursive: true, force: true });
  }, 60_000);

  test('two instances run side by side, and neither knows the other’s keys or nodes', async () => {
    const [a, b] = [first, second].map(({ credentials }) => apiClient(credentials.gatewayUrl, credentials.apiKey));
    if (a === undefined || b === undefined) throw new Error('two platforms were started');
    const node = await newNode(a, 'only-in-a');
    expect((await b.request('GET', `/v1/nodes/${node.id}`)).status).toBe(404);
    expect((await apiClient(b.gatewayUrl, a.apiKey).request('GET', '/v1/tenants')).status).toBe(401);
    const redis = new Redis(node.endpoint.url);
    expect(await redis.set('k', 'v')).toBe('OK');
    redis.disconnect();
  });

  test('writes credentials that only their owner may read, and shows what to paste next', async () => {
    expect((await stat(join(first.home, 'credentials.json'))).mode & 0o777).toBe(0o600);
    expect(first.credentials.gatewayUrl).toMatch(/^http:\/\//);
    // It is ready a moment before it has said so.
    await expect.poll(() => first.output()).toContain('redis-cli');
    expect(first.output()).toContain('curl');
  });

  test('a second start in the same home is refused, and says who holds it', async () => {
    const env = { ...process.env, MINIREDIS_HOME: first.home, GATEWAY_PORT: String(await freePort()) };
    const refused = await run(process.execPath, [join(root, 'infra/local/start.ts')], { cwd: root, env }).catch(
      (error: { code: number; stdout: string; stderr: string }) => error,
    );
    expect(refused).toMatchObject({ code: expect.any(Number) });
    expect(`${refused.stdout}${refused.stderr}`).toContain(String(first.process.pid));
    expect(await isReady(first.credentials.gatewayUrl)).toBe(true);
  });

  test('SIGTERM stops everything it started, and the next start finds all data', { timeout: 90_000 }, async () => {
    const home = await mkdtemp(join(tmpdir(), 'miniredis-e2e-c-'));
    homes.push(home);
    const env = { GATEWAY_PORT: String(await freePort()), RESP_PORT: String(await freePort()) };
    const platform = await startPlatform({ home, env });
    const api = apiClient(platform.credentials.gatewayUrl, platform.credentials.apiKey);
    const node = await newNode(api, 'kept');
    const before = new Redis(node.endpoint.url);
    await before.mset('a', '1', 'b', '2');
    before.disconnect();
    const pids = Object.values((await readPlatformFile(home))?.children ?? {}).map(({ pid }) => pid);
    expect(pids.length).toBeGreaterThanOrEqual(5);
    expect(await platform.stop()).toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);

    const again = await startPlatform({ home, env });
    const after = new Redis(node.endpoint.url);
    expect(await after.mget('a', 'b')).toEqual(['1', '2']);
    after.disconnect();
    expect(again.credentials).toEqual(platform.credentials);
    expect(await again.stop()).toBe(0);
  });
});

test('the tour holds from a fresh home to its end', { timeout: 300_000 }, async () => {
  const home = await mkdtemp(join(tmpdir(), 'miniredis-e2e-tour-'));
  const env = {
    ...process.env,
    MINIREDIS_HOME: home,
    GATEWAY_PORT: String(await freePort()),
    RESP_PORT: String(await freePort()),
  };
  const { stdout } = await run(process.execPath, [join(root, 'test/tour/tour.ts')], { cwd: root, env });
  expect(stdout).toContain('The tour is complete');
  await rm(home, { recursive: true, force: true });
});
