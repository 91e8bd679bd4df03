import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '#infra/local/free-port.ts';
import { redisBinaries } from '#test/tools/redis-binaries.ts';
import { V8_FLAGS } from '#workers/resp/v8-flags.ts';

const root = resolve(import.meta.dirname, '../..');

/** Where a Redis client connects to, and as whom. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
}

/** A server that is measured. */
export interface Target {
  readonly label: string;
  readonly address: Address;
  /** The processes that serve it: whose CPU time and memory count. */
  readonly pids: () => readonly number[];
  stop(): Promise<void>;
}

const running = new Set<ChildProcess>();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

/** Starts a program in a folder of its own, which goes with it, and waits until it serves who comes to its port. */
async function startProgram(
  label: string,
  command: (port: number, folder: string) => { file: string; args: readonly string[]; env?: NodeJS.ProcessEnv },
): Promise<Target> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'miniredis-bench-'));
  const { file, args, env = process.env } = command(port, folder);
  const child = spawn(file, args, { cwd: folder, env, stdio: ['ignore', 'ignore', 'inherit'] });
  running.add(child);
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    running.delete(child);
    await rm(folder, { recursive: true, force: true });
  };
  const address = { host: '127.0.0.1', port };
  for (const deadline = Date.now() + 20_000; !(await serves(address)); await sleep(5)) {
    if (child.exitCode === null && Date.now() < deadline) continue;
    await stop();
    throw new Error(`${label} did not start: ${file} ${args.join(' ')}`);
  }
  return { label, address, pids: () => [child.pid ?? 0], stop };
}

/** Whether there is an answer to PING, and not that data is still being loaded. */
async function serves({ host, port }: Address): Promise<boolean> {
  const socket = connect({ host, port });
  // As clients write it: the bare server reads no words as typed into telnet.
  socket.write('*1\r\n$4\r\nPING\r\n');
  try {
    const [answer] = await once(socket, 'data');
    return !String(answer).startsWith('-LOADING');
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** A redis-server as it is installed, except that it does not save by itself: `settings` are its own, such as `--appendonly yes`. */
export async function startRedis(settings: readonly string[] = []): Promise<Target> {
  const { server, env } = await redisBinaries();
  return startProgram('redis-server', (port, folder) => ({
    file: server,
    args: ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', ...settings],
    env,
  }));
}

/** The engine alone, as `npm run resp` starts it. */
export function startEngine(settings: readonly string[] = []): Promise<Target> {
  return startProgram('engine', (port, folder) => ({
    file: process.execPath,
    args: [...V8_FLAGS, join(root, 'workers/resp/main.ts'), '--port', String(port), '--dir', folder, ...settings],
  }));
}

export const bareServer = 'bare Node server';

/** What Node itself can do: a socket server with a Map. */
export function startBareServer(): Promise<Target> {
  return startProgram(bareServer, (port) => ({
    file: process.execPath,
    args: [join(import.meta.dirname, 'bare-server.ts'), '--port', String(port)],
  }));
}
