import { existsSync } from 'node:fs';
import path from 'node:path';

import { freePort } from '#infra/local/free-port.ts';
import { afterEach, expect, test } from 'vitest';

import { type Home, newHome, run, type Run } from './local-platform.ts';

const homes: Home[] = [];
const runs: Run[] = [];

async function npmStart(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Run & { at: Home; code: unknown }> {
  const at = await newHome(env);
  homes.push(at);
  const started = run('infra/local/start.ts', args, at.env);
  runs.push(started);
  return { ...started, at, code: await started.ended };
}

afterEach(async () => {
  for (const { child } of runs.splice(0)) child.kill('SIGKILL');
  for (const at of homes.splice(0)) await at.remove();
});

test('bad values: every one is named, exit code 2, nothing started', async () => {
  const { code, output, at } = await npmStart([], { GATEWAY_PORT: 'web', LOG_LEVEL: 'loud', REDIS_URL: 'k:9092' });
  expect(code).toBe(2);
  expect(output().trim().split('\n')).toEqual([
    'MiniRedis: GATEWAY_PORT "web" is not a port (1 to 65535)',
    'MiniRedis: LOG_LEVEL "loud" is not one of fatal, error, warn, info, debug, trace',
    'MiniRedis: REDIS_URL is not available yet: leave it unset, and the platform does without',
  ]);
  expect(existsSync(path.join(at.folder, 'run'))).toBe(false);
});

test.each([
  [['--role', 'barista'], 'There is no role "barista": the roles are gateway, backend, node-manager, backup, relay.'],
  [
    ['--role', 'auth'],
    'The role "auth" is not available yet: the roles are gateway, backend, node-manager, backup, relay.',
  ],
  [['--role', 'toString'], 'There is no role "toString"'],
  [['--rolle', 'gateway'], '--rolle'],
  [['--role', 'backend'], 'To run apart, the role backend needs DATABASE_URL: '],
  [['--role', 'backup'], 'To run apart, the role backup needs DATABASE_URL and TEMPORAL_ADDRESS: '],
])('%s is refused with a sentence', async (args, sentence) => {
  const { code, output } = await npmStart(args);
  expect(code).toBe(2);
  expect(output()).toContain(sentence);
});

test('--help names the variables and the roles', async () => {
  const { code, output } = await npmStart(['--help'], { GATEWAY_PORT: 'even with a bad value' });
  expect(code).toBe(0);
  expect(output()).toContain('--role <name>');
  expect(output()).toMatch(/RESP_PORT +Port that Redis clients of all nodes connect to \(6001\)/);
});

test('a home that cannot be written to, and a database that does not answer, are said in words', async () => {
  for (const [MINIREDIS_HOME, code] of [
    ['/etc/passwd/home', 'ENOTDIR'],
    ['/etc/passwd', 'EEXIST'],
    ['/proc/nowhere/at/all', 'ENOENT'],
  ] as const) {
    const nowhere = await npmStart([], { MINIREDIS_HOME });
    expect(nowhere.code).toBe(1);
    expect(nowhere.output()).toContain(`MINIREDIS_HOME ${MINIREDIS_HOME} cannot be used (${code})`);
  }

  const DATABASE_URL = `postgres://me:hunter2@127.0.0.1:${await freePort()}/none`;
  const deaf = await npmStart([], { DATABASE_URL });
  expect(deaf.code).toBe(1);
  expect(deaf.output()).toMatch(/ECONNREFUSED[^]*DATABASE_URL/);
  expect(deaf.output()).not.toContain('hunter2');
});
