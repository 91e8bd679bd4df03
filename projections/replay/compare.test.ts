import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { freePort } from '#infra/local/free-port.ts';
import { createPool } from '#infra/postgres/pool.ts';
import { readPlatformFile, startPlatform } from '#test/tools/platform.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';

type Platform = Awaited<ReturnType<typeof startPlatform>>;
let home: string;
let platform: Platform;

beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'miniredis-compare-'));
  const [GATEWAY_PORT, RESP_PORT] = [`${await freePort()}`, `${await freePort()}`];
  platform = await startPlatform({ home, env: { GATEWAY_PORT, RESP_PORT } });
}, 120_000);
afterAll(async () => {
  await platform.stop();
  await rm(home, { recursive: true, force: true });
});

async function post(route: string, body: unknown): Promise<{ id: string }> {
  const { gatewayUrl, apiKey } = platform.credentials;
  const response = await fetch(new URL(route, gatewayUrl), {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.ok, `${route}: ${response.status}`).toBe(true);
  return (await response.json()) as { id: string };
}

function replay(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { PATH: process.env['PATH'], MINIREDIS_HOME: home };
  return new Promise((resolve) => {
    const command = [path.join(import.meta.dirname, 'main.ts'), '--from', '0', ...args];
    execFile(process.execPath, command, { env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

test('the deciders alone and the live read models agree while the platform is in use, and a difference is found', async () => {
  const tenant = await post('/v1/tenants', { name: 'acme' });
  const nodes: string[] = [];
  for (const name of ['one', 'two', 'three']) {
    nodes.push((await post(`/v1/tenants/${tenant.id}/nodes`, { name, memoryLimitMb: 8 })).id);
  }
  const writing = (async () => {
    for (let n = 0; n < 150; n += 1) {
      const { id } = await post('/v1/tenants', { name: `tenant ${n}` });
      if (n % 2 === 0) await post(`/v1/tenants/${id}/suspend`, {});
    }
  })();
  const busy = await replay('--compare');
  expect(busy, busy.stderr).toMatchObject({ code: 0 });
  await writing;
  const quiet = await replay('--compare', '--json');
  expect(quiet).toMatchObject({ code: 0, stderr: '' });
  const shown = JSON.parse(quiet.stdout) as { tenants: unknown[]; nodes: { id: string; tenantId: string }[] };
  expect(shown.tenants).toHaveLength(151);
  expect(shown.nodes.map(({ id }) => id)).toEqual(nodes.toReversed());

  const pool = createPool((await readPlatformFile(home))?.databaseUrl ?? '');
  try {
    await pool.query('UPDATE views.nodes SET memory_limit_mb = 9 WHERE id = $1', [nodes[1]]);
    const tampered = await replay('--compare');
    expect(tampered.code).toBe(1);
    expect(tampered.stdout).toContain(
      `differ first at nodes ${nodes[1]}, field memoryLimitMb:\n  replayed: 8\n  live:     9`,
    );
    await pool.query('UPDATE views.nodes SET memory_limit_mb = 8 WHERE id = $1', [nodes[1]]);
    await pool.query('DELETE FROM views.tenants WHERE id = $1', [tenant.id]);
    const missing = await replay('--compare');
    expect(missing.code).toBe(1);
    expect(missing.stdout).toContain(`differ first at tenants ${tenant.id}:`);
  } finally {
    await pool.end();
  }
}, 60_000);
