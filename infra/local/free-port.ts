import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Whether nobody listens on the port at this address right now. */
export function isFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
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
