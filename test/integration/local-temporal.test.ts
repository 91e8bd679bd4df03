import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { readPlatformFile } from '#infra/local/platform-file.ts';
import { build, buildPath, cachedBuild } from '#infra/local/temporal/build.ts';
import { temporalAtHand } from '#infra/local/temporal/program.ts';
import { identify, isAlive, signal } from '#infra/process/identity.ts';
import { Client as TemporalClient, Connection } from '@temporalio/client';
import { Client } from 'pg';
import { afterEach, beforeAll, expect, test } from 'vitest';

import { answersReady, type Home, newHome, type Run, startTiny, until, untilReady } from './local-platform.ts';

/** The first build on a machine takes minutes; later ones are cached. */
beforeAll(async () => {
  await build(AbortSignal.timeout(580_000));
}, 600_000);

const homes: Home[] = [];
const folders: string[] = [];
const runs: Run[] = [];

async function start(env: NodeJS.ProcessEnv): Promise<{ at: Home; started: Run }> {
  const at = await newHome(env);
  homes.push(at);
  return { at, started: restart(at) };
}

function restart(at: Home): Run {
  const started = startTiny(at);
  runs.push(started);
  return started;
}

afterEach(async () => {
  for (const { child, ended } of runs.splice(0)) {
    child.kill('SIGTERM');
    await ended;
  }
  for (const at of homes.splice(0)) await at.remove();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
}, 60_000);

/** A folder that is gone after the test. */
function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'local-temporal-'));
  folders.push(folder);
  return folder;
}

/** Waits until the server takes a workflow on, which goes through all of its services and both of its databases. */
async function untilTemporalWorks(address: string): Promise<void> {
  await until(async () => {
    const connection = Connection.lazy({ address });
    try {
      const client = new TemporalClient({ connection, namespace: 'miniredis' });
      const workflowId = `probe-${Date.now()}`;
      return await connection.withDeadline(Date.now() + 3000, async () => {
        await client.workflow.start('probe', { taskQueue: 'nobody', workflowId });
        await client.workflow.getHandle(workflowId).terminate();
        return true as const;
      });
    } catch {
      return undefined;
    } finally {
      await connection.close();
    }
  });
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

test('the built server comes up on the platform’s PostgreSQL, and ends with the platform', async () => {
  const { at, started } = await start({});
  const { temporalAddress } = await untilReady(at, started);
  await untilTemporalWorks(temporalAddress);
  expect(started.output()).toMatch(/Temporal: ready/);
  const { temporal } = readPlatformFile(at.folder)?.children ?? {};
  if (temporal === undefined) throw new Error('not listed');
  started.child.kill('SIGTERM');
  expect(await started.ended).toBe(0);
  expect(isAlive(temporal)).toBe(false);
});

test.each(['temporal', 'temporal_visibility'])(
  'with the database %s dropped it comes back, others untouched',
  async (name) => {
    const { at, started } = await start({});
    const before = await untilReady(at, started);
    await untilTemporalWorks(before.temporalAddress);
    const old = readPlatformFile(at.folder)?.children['temporal'];
    await execute(before.databaseUrl, `DROP DATABASE ${name} WITH (FORCE)`);
    await until(() => {
      const now = readPlatformFile(at.folder)?.children['temporal'];
      return now !== undefined && now.pid !== old?.pid ? now : undefined;
    });
    await untilTemporalWorks(before.temporalAddress);
    const after = readPlatformFile(at.folder)?.children;
    for (const [child, { pid }] of Object.entries(before.children)) {
      if (child !== 'temporal') expect(after?.[child]?.pid, child).toBe(pid);
    }
  },
);

test('it rides out a killed PostgreSQL, and a kill of its own', async () => {
  const { at, started } = await start({});
  const { temporalAddress, children } = await untilReady(at, started);
  await untilTemporalWorks(temporalAddress);
  process.kill(children['postgres']?.pid ?? 0, 'SIGKILL');
  await untilTemporalWorks(temporalAddress);
  process.kill(readPlatformFile(at.folder)?.children['temporal']?.pid ?? 0, 'SIGKILL');
  await untilTemporalWorks(temporalAddress);
});

test('killed again and again while it makes its databases, it makes them in the end', async () => {
  const { at, started } = await start({});
  const { temporalAddress } = await untilReady(at, started);
  let last = 0;
  for (const moment_ms of [50, 150, 250, 350, 500, 700]) {
    const running = await until(() => {
      const now = readPlatformFile(at.folder)?.children['temporal'];
      return now !== undefined && now.pid !== last ? now : undefined;
    });
    last = running.pid;
    await sleep(moment_ms);
    signal(running, 'SIGKILL');
  }
  await untilTemporalWorks(temporalAddress);
});

test('after kill -9 of the parent it ends by itself, and the next start has it again', async () => {
  const { at, started } = await start({});
  const { temporalAddress } = await untilReady(at, started);
  await untilTemporalWorks(temporalAddress);
  const { temporal } = readPlatformFile(at.folder)?.children ?? {};
  if (temporal === undefined) throw new Error('not listed');
  started.child.kill('SIGKILL');
  await until(() => !isAlive(temporal) || undefined);
  const again = restart(at);
  await untilReady(at, again);
  await untilTemporalWorks(temporalAddress);
});

test('`temporal` on the PATH goes before everything else', async () => {
  const { at, started } = await start({ PATH: commandFolder() });
  const { temporalAddress, ports } = await untilReady(at, started);
  await untilTemporalWorks(temporalAddress);
  const asked = readFileSync(path.join(at.folder, 'asked.txt'), 'utf8');
  expect(asked).toContain(`server start-dev --ip 127.0.0.1 --port ${ports.temporal} --headless`);
  expect(asked).toContain(`--namespace miniredis`);
});

/**
 * A folder for the PATH whose `temporal` takes the arguments of Temporal's own command and runs the project's server in its place,
 * since the command itself cannot be had from package registries.
 */
function commandFolder(): string {
  const folder = newFolder();
  const script = `#!/bin/sh
echo "$@" > "$MINIREDIS_HOME/asked.txt"
port=$6
internal=$(tr -d ' \\n' < "$MINIREDIS_HOME/run/platform.json" | sed -n 's/.*"temporalInternal":\\[\\([0-9,]*\\)\\].*/\\1/p')
url=$(sed -n 's/.*"databaseUrl": "\\(.*\\)",/\\1/p' "$MINIREDIS_HOME/run/platform.json")
mkfifo "$MINIREDIS_HOME/stdin"
DATABASE_URL="$url" exec "${buildPath()}" -port "$port" -internal-ports "$internal" -namespace miniredis <> "$MINIREDIS_HOME/stdin"
`;
  writeFileSync(path.join(folder, 'temporal'), script);
  chmodSync(path.join(folder, 'temporal'), 0o755);
  return `${folder}${path.delimiter}${process.env['PATH']}`;
}

test('without a server at hand, without internet and without Go it says what to do, and everything else works', async () => {
  // A PATH with nothing but a shell, and a cache of its own: what a machine without Go looks like.
  const bare = newFolder();
  const { at, started } = await start({ PATH: bare, XDG_CACHE_HOME: bare });
  await untilReady(at, started);
  await until(() => started.output().includes('Temporal: not available') || undefined, started.output);
  expect(started.output()).toContain('Install Go');
  expect(started.output()).toContain('TEMPORAL_ADDRESS');
  expect(await answersReady(at)).toBe(true);
  started.child.kill('SIGTERM');
  expect(await started.ended).toBe(0);
});

test.each(['SIGTERM', 'SIGKILL'] as const)(
  '%s during the build ends the compilers too, and leaves no program',
  async (name) => {
    const cache = newFolder();
    // A compiler that never finishes, with a child of its own, since the real one may be done in a moment from its own cache.
    const bin = path.join(cache, 'bin');
    mkdirSync(bin);
    const script = `#!/bin/sh\nsleep 600 &\necho $! > ${cache}/compiler.pid\necho half > "$6"\nwait\n`;
    writeFileSync(path.join(bin, 'go'), script);
    chmodSync(path.join(bin, 'go'), 0o755);
    const { at, started } = await start({
      PATH: `${bin}${path.delimiter}${process.env['PATH']}`,
      XDG_CACHE_HOME: cache,
    });
    await untilReady(at, started);
    await until(() => existsSync(path.join(cache, 'compiler.pid')) || undefined, started.output);
    await until(() => started.output().includes('Temporal: building') || undefined, started.output);
    const compiler = Number(readFileSync(path.join(cache, 'compiler.pid'), 'utf8'));
    expect(identify(compiler)).toBeDefined();
    started.child.kill(name);
    expect(await started.ended).toBe(name === 'SIGTERM' ? 0 : 'SIGKILL');
    await until(() => identify(compiler) === undefined || undefined);
    expect(readdirSync(path.join(cache, 'miniredis')).filter((name) => /^temporal-[0-9a-f]{16}$/.test(name))).toEqual(
      [],
    );
  },
);

test('two that build at once get one program', async () => {
  const [left, right] = await Promise.all([build(AbortSignal.timeout(5000)), build(AbortSignal.timeout(5000))]);
  expect(left).toBe(right);
  expect(cachedBuild()).toBe(left);
  expect(temporalAtHand()).toEqual({ kind: 'built', path: left });
});
