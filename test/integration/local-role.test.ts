import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { freePort } from '#infra/local/free-port.ts';
import { identify, isAlive } from '#infra/process/identity.ts';
import { afterEach, describe, expect, test } from 'vitest';

import { run, type Run, until } from './local-platform.ts';

const script = 'test/integration/local-apart-role.ts';
const started: ChildProcess[] = [];

afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

async function apart(behaviour = 'well', env: NodeJS.ProcessEnv = {}): Promise<Run & { port: number }> {
  const port = await freePort();
  const role = run(script, [], { ...process.env, BACKEND_PORT: String(port), ROLE_BEHAVES: behaviour, ...env });
  started.push(role.child);
  return { ...role, port };
}

async function ask(port: number, name: string): Promise<{ status: number; body: unknown } | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${name}`);
    return { status: response.status, body: await response.json() };
  } catch {
    return undefined;
  }
}

describe('apart', () => {
  test('it is live before it is ready, ready when it says so, and drains on SIGTERM', async () => {
    const role = await apart();
    const early = await until(() => ask(role.port, '/readyz'), role.output);
    expect(early.status).toBe(503);
    expect((await ask(role.port, '/livez'))?.status).toBe(200);
    const late = await until(async () => {
      const answer = await ask(role.port, '/readyz');
      return answer?.status === 200 ? answer : undefined;
    });
    expect(late.body).toEqual({ role: 'backend', ready: true, detail: { answer: 42 } });
    expect((await ask(role.port, '/other'))?.status).toBe(404);
    const metrics = await fetch(`http://127.0.0.1:${role.port}/metrics`);
    expect(await metrics.text()).toMatch(/^process_resident_memory_bytes \d+$/m);
    role.child.kill('SIGTERM');
    expect(await role.ended).toBe(0);
    expect(role.output()).toContain('drained');
  });

  test('Ctrl-C drains it too, there being nobody else to hear', async () => {
    const role = await apart();
    await until(() => role.output().includes('"ready"') || undefined, role.output);
    role.child.kill('SIGINT');
    expect(await role.ended).toBe(0);
    expect(role.output()).toContain('drained');
  });

  test('one that throws when asked is not ready, and says why', async () => {
    const role = await apart('throws when asked');
    const answer = await until(async () => {
      const { body } = (await ask(role.port, '/readyz')) ?? {};
      return JSON.stringify(body ?? {}).includes('do not ask') || undefined;
    });
    expect(answer).toBe(true);
    expect((await ask(role.port, '/readyz'))?.status).toBe(503);
  });

  test.each([
    ['fails to start', 'the sky is down'],
    ['fails to stop', 'stuck'],
  ])('one that %s ends with 1, and its log says why', async (behaviour, reason) => {
    const role = await apart(behaviour);
    if (behaviour === 'fails to stop') {
      await until(() => role.output().includes('"ready"') || undefined, role.output);
      role.child.kill('SIGTERM');
    }
    expect(await role.ended).toBe(1);
    expect(role.output()).toContain(reason);
  });

  test('a taken port ends it with 1, and its log says which', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const role = await apart('well', { BACKEND_PORT: String(port) });
    expect(await role.ended).toBe(1);
    expect(role.output()).toContain(`EADDRINUSE: address already in use 127.0.0.1:${port}`);
    server.close();
  });
});

describe('supervised', () => {
  function supervised(behaviour = 'well'): { child: ChildProcess; ready: Promise<unknown>; ended: Promise<unknown> } {
    const child = fork(path.resolve(script), [], { stdio: 'ignore', env: { ...process.env, ROLE_BEHAVES: behaviour } });
    started.push(child);
    return {
      child,
      ready: new Promise((resolve) => child.once('message', resolve)),
      ended: new Promise((resolve) => child.once('exit', (code, killer) => resolve(killer ?? code))),
    };
  }

  test('it says that it is ready, hears SIGTERM, and leaves SIGINT to its supervisor', async () => {
    const { child, ready, ended } = supervised();
    expect(await ready).toEqual({ type: 'ready' });
    child.kill('SIGINT');
    expect(await Promise.race([ended, sleep(500, 'still there')])).toBe('still there');
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  test('it drains and ends when its supervisor is gone', async () => {
    const { child, ready, ended } = supervised();
    await ready;
    child.disconnect();
    expect(await Promise.race([ended, sleep(30_000, 'still there')])).toBe(0);
  });

  test('one whose supervisor was killed while it was loading ends too', async () => {
    const fork = `require('node:child_process').fork(${JSON.stringify(path.resolve(script))}, [], { detached: true, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })`;
    const supervisor = spawn(process.execPath, [
      '-e',
      `console.log(${fork}.pid); process.kill(process.pid, 'SIGKILL')`,
    ]);
    const [line] = (await once(supervisor.stdout, 'data')) as [Buffer];
    const orphan = identify(Number(line.toString()));
    if (orphan === undefined) throw new Error('it was gone before it could begin');
    await until(() => !isAlive(orphan) || undefined);
  });
});
