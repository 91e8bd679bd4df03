import { createServer, Socket } from 'node:net';
import type { Server as NetServer } from 'node:net';
import type { Server } from '../clients/server.ts';
import { Connection } from './connection.ts';

const READ_BUFFER_BYTES = 65_536;
/** How long a connection that has not logged in keeps its place when all places are taken. */
const STRANGER_PATIENCE_MS = 5000;

/** What Node's sockets have but its types leave out. */
interface BareSocket {
  _handle: unknown;
  _server: NetServer;
}

/** A listening port. */
export interface Listener {
  readonly port: number;
  readonly address: string;
  readonly connections: ReadonlySet<Connection>;
  /** Lets nobody in any more; who is in stays. */
  stopAccepting(): void;
  close(): Promise<void>;
}

/**
 * Accepts connections; `lobby` is the server side that a new connection belongs to until it has authenticated.
 *
 * All sockets read into one buffer, which saves 64 KiB a connection and most allocation. Node offers that (`onread`) only
 * for sockets one makes oneself, so an accepted connection's handle is moved to a socket of our own.
 */
export function listen(port: number, host: string, lobby: Server): Promise<Listener> {
  const shared = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  const connections = new Set<Connection>();
  const { limits } = lobby.host;
  const server = createServer({ pauseOnConnect: true, noDelay: true, keepAlive: true }, (accepted) => {
    const address = addressOf(accepted.remoteAddress, accepted.remotePort);
    const localAddress = addressOf(accepted.localAddress, accepted.localPort);
    const bare = accepted as unknown as BareSocket;
    const handle = bare._handle;
    bare._handle = null;
    let connection: Connection | undefined;
    const socket = new Socket({
      handle,
      onread: { buffer: shared, callback: (length: number) => connection?.received(shared, length) ?? true },
    } as ConstructorParameters<typeof Socket>[0]);
    // The server counts its open connections by this, and is closed when there are none.
    (socket as unknown as BareSocket)._server = server;
    socket.on('error', () => connection?.destroy());
    if (limits.maxClients > 0 && connections.size >= limits.maxClients && !makeRoom(connections)) {
      lobby.node.rejectedConnections++;
      socket.write('-ERR max number of clients reached\r\n');
      socket.destroySoon();
      return;
    }
    const opened = new Connection(socket, lobby, address, localAddress);
    connection = opened;
    connections.add(opened);
    socket.on('close', () => {
      connections.delete(opened);
      opened.release();
    });
    socket.resume();
  });
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    for (const connection of connections) connection.end();
    await closed;
  };
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: 1024 }, () => {
      server.off('error', reject);
      const bound = server.address();
      const actual = bound !== null && typeof bound === 'object' ? bound.port : port;
      resolve({ port: actual, address: host, connections, stopAccepting: () => void server.close(), close });
    });
  });
}

/**
 * Ends the connection that has waited longest without logging in, if one has for a while: strangers must not keep out
 * those who know a password.
 */
function makeRoom(connections: Iterable<Connection>): boolean {
  const before = Date.now() - STRANGER_PATIENCE_MS;
  for (const connection of connections) {
    const { client } = connection;
    if (client.authenticated || client.gone || client.createdAtMs > before) continue;
    connection.destroy();
    return true;
  }
  return false;
}

function addressOf(host: string | undefined, port: number | undefined): string {
  const plain = host?.startsWith('::ffff:') === true ? host.slice(7) : (host ?? '?');
  return `${plain.includes(':') ? `[${plain}]` : plain}:${port ?? 0}`;
}
