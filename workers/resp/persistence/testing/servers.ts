import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Redis } from 'ioredis';

import { createGenerator, seeded } from '../../conformance/generate.ts';
import { templates } from '../../conformance/templates.ts';
import { openWire } from '../../conformance/wire.ts';
import { Node } from '../../keyspace/node.ts';
import { loadRdb } from '../load.ts';

/** The standalone server's program. */
const MAIN = join(import.meta.dirname, '../../main.ts');

/** A server under test, ours or a real one. */
export interface RunningServer {
  readonly port: number;
  readonly client: Redis;
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Ends it and waits until it has ended. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

const cleanups: (() => Promise<unknown>)[] = [];

/** Ends all servers and removes all folders. */
export async function removeServers(): Promise<void> {
  for (const clean of cleanups.splice(0).reverse()) await clean();
}

/** A new folder for a server's files. */
export async function serverFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'resp-server-'));
  cleanups.push(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** Our server as `npm run resp` starts it. Rejects with what it said when it does not start. */
export function startOurs(dir: string, args: readonly string[] = [], env = process.env): Promise<RunningServer> {
  return start(process.execPath, [MAIN, '--port', '0', '--dir', dir, ...args], env);
}

/** An engine whose nodes `always` and `everysec`, by password, are in one write-ahead log. */
export function startWalServer(dir: string, env = process.env): Promise<RunningServer> {
  return start(process.execPath, [fileURLToPath(new URL('wal-server.ts', import.meta.url)), dir], env);
}

/** A real redis-server. */
export async function startRedis(
  { server, env }: { readonly server: string; readonly env: NodeJS.ProcessEnv },
  dir: string,
  args: readonly string[] = [],
): Promise<RunningServer> {
  const fixed = ['--bind', '127.0.0.1', '--dir', dir, '--enable-debug-command', 'yes', '--save', ''];
  const port = await freePort();
  return start(server, ['--port', String(port), ...fixed, ...args], env, port);
}

async function start(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  knownPort?: number,
): Promise<RunningServer> {
  const child = spawn(program, args, { env });
  const stop = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  };
  cleanups.push(() => stop());
  let output = '';
  const port = await new Promise<number>((resolve, reject) => {
    const read = (text: Buffer): void => {
      output += String(text);
      const ready = /Ready to accept connections(?: on .*:(\d+))?/.exec(output);
      if (ready !== null) resolve(knownPort ?? Number(ready[1]));
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('exit', () => reject(new Error(output)));
  });
  const client = new Redis({ port, host: '127.0.0.1', retryStrategy: null });
  client.on('error', () => {});
  cleanups.push(async () => client.disconnect());
  return { port, client, child, output: () => output, stop };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('No free port was found.');
  return address.port;
}

/** Sends random commands of all types. */
export async function randomTraffic({ port }: RunningServer, seed: number, count: number): Promise<void> {
  // Nothing that waits, since a real server looks at timeouts ten times a second, and nothing that is gone a moment later. What
  // empties all databases at once would leave little to compare.
  const lines = templates.filter(
    (line) => !/^(?:ACL|CLIENT|CONFIG|LATENCY|BL|BR|BZ|P?SETEX|RESTORE|FLUSHALL)|BLOCK|EX/.test(line),
  );
  const next = createGenerator(seeded(seed), lines);
  const wire = await openWire(port);
  for (let sent = 0; sent < count; sent += 50) await wire.batch(Array.from({ length: 50 }, next));
  wire.close();
}

/** The digest of a server's data, by way of its dump.rdb. */
export async function digestOfServer(
  { client }: RunningServer,
  dir: string,
): Promise<{ keys: number; digest: string }> {
  await client.call('SAVE');
  const { keys, digest } = await loadRdb(createReadStream(join(dir, 'dump.rdb')), new Node({ id: 'loaded' }), 0);
  return { keys, digest };
}
