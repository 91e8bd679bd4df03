import type { NodeId } from '#domains/kernel/ids.ts';
import { issuePlatformToken } from '#infra/crypto/platform-token.ts';
import type { MasterKey } from '#infra/crypto/master-key.ts';
import { Command, Redis } from 'ioredis';

import { Problem } from '../problems.ts';
import { replyToJson, type ReplyJson } from './reply-json.ts';

/** Where the RESP listener of a node's manager is. */
export interface ManagerAddress {
  readonly host: string;
  readonly port: number;
}

/** Connections of the platform's own to the nodes' data, one a node, opened when needed and closed when idle. */
export interface NodeConnections {
  /** Runs one command; throws the problem `redis_error` with Redis's own text, or `node_unreachable`. */
  run(nodeId: NodeId, manager: ManagerAddress, name: string, args: readonly string[]): Promise<ReplyJson>;
  close(): void;
}

interface Connection {
  readonly redis: Redis;
  readonly opened: Promise<void>;
  idle: NodeJS.Timeout | undefined;
}

const connectPatience_ms = 2000;
const commandPatience_ms = 5000;
const idle_ms = 30_000;
/** A token only has to live until the connection has logged in. */
const tokenLife_ms = 60_000;

export function openNodeConnections(masterKey: MasterKey): NodeConnections {
  const connections = new Map<string, Connection>();

  const discard = (address: string, connection: Connection): void => {
    clearTimeout(connection.idle);
    connection.redis.disconnect();
    if (connections.get(address) === connection) connections.delete(address);
  };

  const open = (address: string, nodeId: NodeId, manager: ManagerAddress): Connection => {
    const password = issuePlatformToken(masterKey, { nodeId, expiresAt: new Date(Date.now() + tokenLife_ms) });
    const redis = new Redis({ ...connectionOptions, ...manager, username: '@platform', password });
    const connection: Connection = { redis, opened: redis.connect(), idle: undefined };
    // Errors reach whoever waits for a reply; a connection that is lost between commands is simply opened again.
    redis.on('error', () => {});
    redis.on('end', () => discard(address, connection));
    connections.set(address, connection);
    return connection;
  };

  return {
    async run(nodeId, manager, name, args) {
      const address = `${nodeId}@${manager.host}:${manager.port}`;
      const connection = connections.get(address) ?? open(address, nodeId, manager);
      clearTimeout(connection.idle);
      try {
        await connection.opened;
        // In upper case, ioredis leaves the command's arguments and its reply as they are.
        const command = new Command(name, [...args]);
        return replyToJson(await connection.redis.sendCommand(command));
      } catch (error) {
        if (isReplyError(error) && connection.redis.status === 'ready') throw new Problem('redis_error', error.message);
        discard(address, connection);
        throw new Problem('node_unreachable', `The node did not answer: ${(error as Error).message}`);
      } finally {
        clearTimeout(connection.idle);
        connection.idle = setTimeout(() => discard(address, connection), idle_ms).unref();
      }
    },
    close() {
      for (const [address, connection] of connections) discard(address, connection);
    },
  };
}

function isReplyError(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

/** No reconnecting and no resending: a command that may have run is never run twice behind the caller's back. */
const connectionOptions = {
  lazyConnect: true,
  protocol: 2,
  stringNumbers: true,
  connectTimeout: connectPatience_ms,
  commandTimeout: commandPatience_ms,
  retryStrategy: () => null,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  enableReadyCheck: false,
  disableClientInfo: true,
} as const;
