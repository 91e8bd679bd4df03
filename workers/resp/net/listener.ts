import { createServer } from 'node:net';
import { takeHandle } from './handle.ts';
import type { Sockets } from './sockets.ts';

/** A listening port. */
export interface Listener {
  readonly port: number;
  /** Takes no more connections; resolves once those it took have ended. */
  close(): Promise<void>;
}

/** Accepts connections. */
export function listen(port: number, host: string, sockets: Sockets): Promise<Listener> {
  const server = createServer({ pauseOnConnect: true, noDelay: true, keepAlive: true }, (accepted) => {
    const address = addressOf(accepted.remoteAddress, accepted.remotePort);
    const localAddress = addressOf(accepted.localAddress, accepted.localPort);
    sockets.accepted(takeHandle(accepted), address, localAddress, server);
  });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
    });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: 1024 }, () => {
      server.off('error', reject);
      const bound = server.address();
      resolve({ port: bound !== null && typeof bound === 'object' ? bound.port : port, close });
    });
  });
}

function addressOf(host: string | undefined, port: number | undefined): string {
  const plain = host?.startsWith('::ffff:') === true ? host.slice(7) : (host ?? '?');
  return `${plain.includes(':') ? `[${plain}]` : plain}:${port ?? 0}`;
}
