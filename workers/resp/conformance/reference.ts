import { spawn } from 'node:child_process';
import { createServer } from 'node:net';

/** A port nobody listens on at the moment. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('No free port was found.');
  return address.port;
}

/**
 * Timeouts are noticed soon, and what a test tells the server about its own workings is allowed; so both servers can be told
 * to let keys expire only when they are asked for.
 */
export const DIFFERENTIAL_SETTINGS: readonly string[] = ['--hz', '500', '--enable-debug-command', 'yes'];

/** A real redis-server without persistence. */
export interface ReferenceServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts a real redis-server and waits until it answers. */
export async function startReference(
  program: string,
  env: NodeJS.ProcessEnv,
  settings: readonly string[] = [],
): Promise<ReferenceServer> {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', ...settings];
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`redis-server ended with ${code} before it was ready.`)));
    child.stdout.on('data', (chunk) => {
      if (String(chunk).includes('Ready to accept connections')) resolve();
    });
  });
  return {
    port,
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.kill();
      }),
  };
}
