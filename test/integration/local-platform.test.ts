import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { readPlatformFile } from '#infra/local/platform-file.ts';
import { Client } from 'pg';
import { afterEach, describe, expect, test } from 'vitest';

import { testDatabase } from '../tools/postgres.ts';
import {
  answersReady,
  type Home,
  newHome,
  type Run,
  startTiny,
  survivors,
  until,
  untilReady,
} from './local-platform.ts';

const homes: Home[] = [];
const runs: Run[] = [];

async function home(): Promise<Home> {
  const made = await newHome();
  homes.push(made);
  return made;
}

function start(at: Home): Run {
  const started = startTiny(at);
  runs.push(started);
  return started;
}

async function stop(started: Run): Promise<number | NodeJS.Signals> {
  started.child.kill('SIGTERM');
  return started.ended;
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

afterEach(async () => {
  for (const { child, ended } of runs.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
  for (const made of homes.splice(0)) await made.remove();
});

describe('one platform', () => {
  test('starts, says what runs and what to paste next, stops in order, and keeps its data and ports', async () => {
    const at = await home();
    const first = start(at);
    const before = await untilReady(at, first);
    expect(Object.keys(before.children).toSorted()).toEqual([
      'backend',
      'backup',
      'gateway',
      'node-manager',
      'postgres',
    ]);
    expect(survivors(before)).toHaveLength(5);
    await until(() => first.output().includes('redis-cli') || undefined);
    for (const name of ['run/platform.json', 'postgres.password', 'logs/gateway.log']) {
      expect(statSync(path.join(at.folder, name)).mode & 0o777, name).toBe(0o600);
    }
    expect(await query(before.databaseUrl, 'SHOW synchronous_commit')).toEqual([{ synchronous_commit: 'on' }]);
    await query(before.databaseUrl, 'CREATE TABLE kept AS SELECT 42 AS answer');

    expect(await stop(first)).toBe(0);
    expect(survivors(before)).toEqual([]);
    expect(readPlatformFile(at.folder)).toBeUndefined();
    // Each role still had its database when it stopped.
    expect(readFileSync(path.join(at.folder, 'stopped.txt'), 'utf8')).toBe(
      'gateway true\nbackup true\nbackend true\nnode-manager true\n',
    );

    const second = start(at);
    const after = await untilReady(at, second);
    expect(after.ports).toEqual(before.ports);
    expect(await query(after.databaseUrl, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    expect(await stop(second)).toBe(0);
  });

  test('a child that is killed comes back, and the others never notice', async () => {
    const at = await home();
    const started = start(at);
    const before = await untilReady(at, started);
    for (const name of ['gateway', 'backend', 'backup', 'node-manager', 'postgres']) {
      const old = readPlatformFile(at.folder)?.children[name];
      process.kill(old?.pid ?? 0, 'SIGKILL');
      await until(() => {
        const now = readPlatformFile(at.folder)?.children[name];
        return now !== undefined && now.pid !== old?.pid ? now : undefined;
      });
      await until(() => answersReady(at));
    }
    await query(before.databaseUrl, 'SELECT 1');
    const after = await until(() => {
      const file = readPlatformFile(at.folder);
      return Object.keys(file?.children ?? {}).length === 5 ? file : undefined;
    });
    for (const [name, { pid }] of Object.entries(after.children))
      expect(pid, name).not.toBe(before.children[name]?.pid);
    expect(started.child.exitCode).toBeNull();
    expect(await stop(started)).toBe(0);
    expect(survivors(after)).toEqual([]);
  });

  test('with a PostgreSQL of the user’s own none is run, and the schema is made there', async () => {
    const database = await testDatabase();
    const at = await home();
    const started = start({ ...at, env: { ...at.env, DATABASE_URL: database.url } });
    const file = await untilReady(at, started);
    expect(Object.keys(file.children).toSorted()).toEqual(['backend', 'backup', 'gateway', 'node-manager']);
    expect(file.databaseUrl).toBe(database.url);
    expect(existsSync(path.join(at.folder, 'postgres'))).toBe(false);
    expect(await stop(started)).toBe(0);
    await database.drop();
  });

  test('Ctrl-C under npm, which arrives twice, is one clean stop', async () => {
    const at = await home();
    const started = start(at);
    await untilReady(at, started);
    started.child.kill('SIGINT');
    await sleep(20);
    started.child.kill('SIGINT');
    expect(await started.ended).toBe(0);
  });

  test('a stop in the middle of the first start leaves a home that starts', async () => {
    const at = await home();
    const started = start(at);
    // From here on it makes the cluster; before, it has not yet begun, and a signal just ends it.
    await until(() => existsSync(path.join(at.folder, 'postgres.password')) || undefined);
    expect(await stop(started)).toBe(0);
    const second = start(at);
    await untilReady(at, second);
    expect(await stop(second)).toBe(0);
  });
});

describe('kill -9 of the parent', () => {
  const inHome = (name: string) => (at: Home) => readdirSync(at.folder).some((entry) => entry.startsWith(name));
  const file = (name: string) => (at: Home) => existsSync(path.join(at.folder, name));
  const stages: ReadonlyArray<readonly [name: string, isThere: (at: Home) => boolean]> = [
    ['taken its home', file('run/platform.lock')],
    ['made a password', file('postgres.password')],
    ['begun with a cluster', inHome('postgres.initializing-')],
    ['made a cluster', file('postgres/PG_VERSION')],
    ['started PostgreSQL', file('postgres/postmaster.pid')],
    ['started roles', (at) => readPlatformFile(at.folder)?.children['gateway'] !== undefined],
  ];

  test.each(stages)('once it had %s leaves nothing that blocks the next', async (_, isThere) => {
    const at = await home();
    const first = start(at);
    await until(() => isThere(at) || undefined);
    first.child.kill('SIGKILL');
    await first.ended;
    const before = readPlatformFile(at.folder);
    const second = start(at);
    await untilReady(at, second);
    expect(before === undefined ? [] : survivors(before)).toEqual([]);
    expect(inHome('postgres.initializing-')(at)).toBe(false);
    expect(await stop(second)).toBe(0);
  });

  test('again and again, with acknowledged rows all there', async () => {
    const at = await home();
    let url = '';
    for (let round = 0; round < 4; round += 1) {
      const started = start(at);
      const file = await untilReady(at, started);
      url = file.databaseUrl;
      await query(url, 'CREATE TABLE IF NOT EXISTS rounds (round int)');
      await query(url, `INSERT INTO rounds VALUES (${round})`);
      started.child.kill('SIGKILL');
      await started.ended;
      const { postgres, ...roles } = file.children;
      // Roles see their supervisor gone and end by themselves; PostgreSQL waits for the next start.
      await until(() => survivors({ ...file, children: roles }).length === 0 || undefined);
      expect(postgres).toBeDefined();
    }
    const last = start(at);
    await untilReady(at, last);
    expect(await query(url, 'SELECT round FROM rounds ORDER BY round')).toEqual(
      [0, 1, 2, 3].map((round) => ({ round })),
    );
    expect(await stop(last)).toBe(0);
  });
});

describe('under npm', () => {
  /** As npm runs it: a shell in between, which dies of SIGTERM without a word to its child. */
  function startUnderNpm(at: Home): Run {
    const command = `${process.execPath} ${path.resolve('test/integration/local-tiny-platform.ts')} & wait`;
    const code = `require('node:child_process').spawn('sh', ['-c', ${JSON.stringify(command)}], { stdio: 'inherit' })`;
    const npm = spawn(process.execPath, ['-e', `const sh = ${code}; process.on('SIGTERM', () => sh.kill('SIGTERM'))`], {
      env: { ...at.env, npm_lifecycle_event: 'start' },
      stdio: 'ignore',
    });
    const ended = new Promise<number | NodeJS.Signals>((resolve) => {
      npm.once('exit', (exitCode, killer) => resolve(killer ?? exitCode ?? -1));
    });
    const started = { child: npm, ended, output: () => '' };
    runs.push(started);
    return started;
  }

  test.each(['SIGTERM', 'SIGKILL'] as const)(
    '%s to npm stops all of it, and the next start waits for that',
    async (name) => {
      const at = await home();
      const npm = startUnderNpm(at);
      const before = await until(() => {
        const file = readPlatformFile(at.folder);
        return file?.ready === true ? file : undefined;
      });
      npm.child.kill(name);
      const second = start(at);
      const after = await untilReady(at, second);
      expect(after.pid).not.toBe(before.pid);
      expect(survivors(before)).toEqual([]);
      expect(readFileSync(path.join(at.folder, 'stopped.txt'), 'utf8')).toMatch(/^gateway true\n/);
      expect(await stop(second)).toBe(0);
    },
  );
});

describe('side by side', () => {
  test('two homes run at once, each with its own servers', async () => {
    const [left, right] = [await home(), await home()];
    const [one, two] = [start(left), start(right)];
    const [a, b] = await Promise.all([untilReady(left, one), untilReady(right, two)]);
    expect(a.ports.postgres).not.toBe(b.ports.postgres);
    expect(await stop(one)).toBe(0);
    await query(b.databaseUrl, 'SELECT 1');
    expect(await stop(two)).toBe(0);
  });

  test('a second start in a home in use is refused, says who has it, and disturbs nobody', async () => {
    const at = await home();
    const first = start(at);
    const before = await untilReady(at, first);
    const second = start({ ...at, env: { ...at.env, GATEWAY_PORT: '28080' } });
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(`process id ${first.child.pid}`);
    expect(readPlatformFile(at.folder)).toEqual(before);
    expect(survivors(before)).toHaveLength(5);
  });

  test.each(['GATEWAY_PORT', 'RESP_PORT', 'POSTGRES_PORT'])(
    'a taken %s is named before anything starts',
    async (name) => {
      const at = await home();
      const server = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      const { port } = server.address() as { port: number };
      const started = start({ ...at, env: { ...at.env, [name]: String(port) } });
      expect(await started.ended).toBe(1);
      expect(started.output()).toContain(`${name} ${port} on 127.0.0.1: the port is taken by another program`);
      expect(statSync(path.join(at.folder, 'postgres'), { throwIfNoEntry: false })).toBeUndefined();
      server.close();
    },
  );

  test('an address that is not this machine’s is named as such', async () => {
    const at = await home();
    const started = start({ ...at, env: { ...at.env, BIND_HOST: '192.0.2.1' } });
    expect(await started.ended).toBe(1);
    expect(started.output()).toContain('on 192.0.2.1: this machine has no such address. Set BIND_HOST');
  });
});
