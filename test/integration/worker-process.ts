import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

import type { Config } from '#infra/config/config.ts';
import type { Readiness } from '#infra/process/role.ts';

/** A role in a process of its own, so that it can be killed. */
export interface WorkerProcess {
  readonly pid: number;
  readiness(): Promise<Readiness>;
  kill(): Promise<void>;
  /** Resolves with the exit code of a clean end. */
  stop(): Promise<number | null>;
}

const root = path.join(import.meta.dirname, '..', '..');
const script = `
  const { startRole } = await import('#workers/main.ts');
  const { createLog } = await import('#infra/logging/log.ts');
  const config = JSON.parse(process.env.TEST_CONFIG);
  const role = await startRole(process.env.TEST_ROLE, config, createLog(process.env.TEST_ROLE, process.env.TEST_LOG ?? 'fatal'));
  process.on('message', async () => process.send(await role.readiness()));
  process.on('SIGTERM', async () => { await role.stop(); process.disconnect(); });
  process.send('started');
`;

/** Starts a role; resolves when it has started. What it logs (TEST_LOG=info) goes to standard error. */
export async function startWorkerProcess(role: string, config: Config): Promise<WorkerProcess> {
  const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, TEST_ROLE: role, TEST_CONFIG: JSON.stringify(config) },
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  await Promise.race([
    once(child, 'message'),
    exited.then(() => {
      throw new Error(`The role ${role} did not start.`);
    }),
  ]);
  return {
    pid: child.pid ?? 0,
    async readiness() {
      child.send('readiness');
      return ((await once(child, 'message')) as [Readiness])[0];
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    async stop() {
      child.kill('SIGTERM');
      return (await exited)[0];
    },
  };
}
