import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Why the port cannot be listened on at this address right now, as an error code such as EADDRINUSE; undefined when it can. */
export function whyNotFree(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** Whether nobody listens on the port on loopback. */
export async function isFree(port: number): Promise<boolean> {
  return (await whyNotFree(port, '127.0.0.1')) === undefined;
}

/**
 * A free port outside the range operating systems give to outgoing connections, so that a port remembered for the next start
 * is not taken by a passing client meanwhile.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = randomInt(15_000, 32_000);
    if (await isFree(port)) return port;
  }
  throw new Error('No free port between 15000 and 32000 was found: set POSTGRES_PORT and TEMPORAL_PORT.');
}
