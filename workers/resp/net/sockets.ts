import { Socket } from 'node:net';
import type { Server as NetServer } from 'node:net';
import { resume } from '../clients/session.ts';
import type { Server } from '../clients/server.ts';
import type { AuthResult, Departure } from '../engine-api.ts';
import { Connection } from './connection.ts';

const READ_BUFFER_BYTES = 65_536;
/** How long a connection that has not logged in keeps its place when all places are taken. */
const STRANGER_PATIENCE_MS = 5000;

/** What Node's sockets have but its types leave out. */
interface CountedSocket {
  _server: NetServer;
}

/** The connections of an engine, whichever way they came. */
export interface Sockets {
  readonly connections: ReadonlySet<Connection>;
  /** Serves the peer of a handle that `server` accepted. */
  accepted(handle: unknown, address: string, localAddress: string, server: NetServer): void;
  /** Serves the peer of a connection that comes from another engine. */
  arrived(arrival: Departure, admitted: AuthResult): void;
}

/**
 * `lobby` is the server side that a new connection belongs to until it has authenticated.
 *
 * All sockets read into one buffer, which saves 64 KiB a connection and most allocation. Node offers that (`onread`) only
 * for sockets one makes oneself, so an accepted connection's handle is moved to a socket of our own.
 */
export function createSockets(lobby: Server): Sockets {
  const shared = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  const connections = new Set<Connection>();
  const { limits } = lobby.host;

  function open(handle: unknown, address: string, localAddress: string, server?: NetServer): Connection | undefined {
    let connection: Connection | undefined;
    const socket = new Socket({
      handle,
      manualStart: true,
      onread: { buffer: shared, callback: (length: number) => connection?.received(shared, length) ?? true },
    } as ConstructorParameters<typeof Socket>[0]);
    // The server counts its open connections by this, and is closed when there are none.
    if (server !== undefined) (socket as unknown as CountedSocket)._server = server;
    socket.on('error', () => connection?.destroy());
    if (limits.maxClients > 0 && connections.size >= limits.maxClients && !makeRoom(connections)) {
      lobby.node.rejectedConnections++;
      socket.write('-ERR max number of clients reached\r\n');
      socket.destroySoon();
      return undefined;
    }
    const opened = new Connection(socket, lobby, address, localAddress);
    connection = opened;
    connections.add(opened);
    socket.on('close', () => {
      connections.delete(opened);
      opened.release();
    });
    return opened;
  }

  return {
    connections,
    accepted: (handle, address, localAddress, server) => open(handle, address, localAddress, server)?.start(),
    arrived({ handle, address, localAddress, session, input }, admitted) {
      const connection = open(handle, address, localAddress);
      if (connection === undefined) return;
      resume(connection.client, session);
      connection.client.admitted = admitted;
      const bytes = Buffer.from(input, 'latin1');
      connection.start(bytes);
    },
  };
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
