import { randomBytes } from 'node:crypto';
import { fits, reloadUsers } from './acl/users.ts';
import { createAuthThrottle } from './clients/auth-throttle.ts';
import { Client, Server } from './clients/server.ts';
import type { Host } from './clients/server.ts';
import { invalidateAll } from './clients/tracking.ts';
import { call, execute, resolve, startBatch } from './commands/execute.ts';
import { detach } from './clients/session.ts';
import { registerCommands } from './commands/table.ts';
import type { ConnectionLimits, Engine, EngineOptions } from './engine-api.ts';
import { tick } from './keyspace/clock.ts';
import { createExpiryCycle } from './keyspace/expiry.ts';
import { Node } from './keyspace/node.ts';
import { beginSnapshot } from './keyspace/snapshot.ts';
import { trackUsage } from './keyspace/usage.ts';
import { listen } from './net/listener.ts';
import type { Listener } from './net/listener.ts';
import { scriptingOf } from './scripting/scripts.ts';
import { readReply } from './protocol/reply-value.ts';

const MEBIBYTE = 1_048_576;

/** Redis's own defaults, except that AUTH failures are limited. */
const DEFAULT_CONNECTION_LIMITS: ConnectionLimits = {
  maxClients: 10_000,
  idleTimeoutSeconds: 0,
  bulkBytesMax: 512 * MEBIBYTE,
  queryBufferBytesMax: 1024 * MEBIBYTE,
  outputBufferBytesMax: 0,
  pubsubBufferBytesMax: 32 * MEBIBYTE,
  authFailuresMax: 100,
};

registerCommands();

/** Makes an engine. Nothing listens until `listen` is called. */
export function createEngine(options: EngineOptions): Engine {
  const servers = new WeakMap<Node, Server>();
  const listeners = new Set<Listener>();
  const expiry = createExpiryCycle();
  const limits = { ...DEFAULT_CONNECTION_LIMITS, ...options.limits };
  const throttle = createAuthThrottle(limits.authFailuresMax);
  const standalone = options.authenticate === undefined;
  const lobbyNode = options.defaultNode ?? new Node({ id: 'lobby' });

  const close = async (): Promise<void> => {
    expiry.stop();
    clearInterval(idleTimer);
    await Promise.all([...listeners].map((listener) => listener.close()));
    listeners.clear();
  };
  const serverOf = (node: Node): Server => {
    const known = servers.get(node);
    if (known !== undefined) return known;
    const server = new Server(node, host);
    servers.set(node, server);
    node.onExpiryAdded = () => expiry.watch(node);
    if (node.databases.some((db) => db !== undefined && db.expires.size > 0)) expiry.watch(node);
    trackUsage(node);
    return server;
  };
  const host: Host = {
    limits,
    codec: options.codec,
    extraCommands: new Map(options.extraCommands?.map((command) => [command.name.toLowerCase(), command])),
    standalone,
    saving: options.saving,
    startedAtMs: Date.now(),
    runId: randomBytes(20).toString('hex'),
    full: false,
    port: 0,
    requirePass: options.requirePass,
    authenticate: options.authenticate,
    serverOf,
    mayAuthenticate: (address) => throttle.allows(address),
    authFailed: (address) => throttle.failed(address),
    shutdown: () => {
      options.onShutdown?.();
    },
  };
  const lobby = serverOf(lobbyNode);
  const idleTimer = closeIdle(listeners, limits.idleTimeoutSeconds);

  /** A client without a connection, for the host's own commands. */
  const insider = (node: Node, db: number): Client => {
    const client = new Client(serverOf(node), undefined, '127.0.0.1:0', '127.0.0.1:0');
    client.authenticated = true;
    client.db = node.database(db);
    return client;
  };

  return {
    async listen({ port, host: address = '127.0.0.1' }) {
      const listener = await listen(port, address, lobby);
      listeners.add(listener);
      host.port = listener.port;
      return listener.port;
    },
    async execute(node, args, db = 0) {
      tick();
      startBatch();
      const client = insider(node, db);
      client.reply.resp3 = true;
      // Only a script that is at work makes a client without a connection wait.
      while (!execute(client, args)) await new Promise<void>((free) => scriptingOf(serverOf(node)).whenFree(free));
      await client.pending;
      detach(client);
      const reply = readReply(client.reply.take().join(''));
      if (node.journal?.holdsReplies === true) await durable(node);
      return reply;
    },
    applyJournaled(node, db, args) {
      const command = resolve(args);
      if (typeof command === 'string') throw new Error(`The journal holds a command that is refused: ${command}`);
      const client = insider(node, db);
      // Whoever replays a whole journal sets this itself, so that nothing expires between two effects.
      const { replaying } = node;
      node.replaying = true;
      try {
        call(client, command, args);
      } finally {
        node.replaying = replaying;
        node.effects = [];
        node.readyKeys = [];
      }
      const reply = client.reply.take().join('');
      if (reply.startsWith('-'))
        throw new Error(`The journal holds ${args[0]} and it failed: ${reply.slice(1).trimEnd()}`);
    },
    adopt: (node) => void serverOf(node),
    beginSnapshot: (node, emit) => beginSnapshot(node, emit),
    replaceKeyspace(node, source) {
      if (node.busy) throw new Error('A script is at work; wait for node.whole() before its data is replaced.');
      tick();
      for (const db of node.databases) db?.abandon();
      for (const from of source.databases) {
        if (from === undefined) continue;
        const to = node.database(from.index);
        to.entries = from.entries;
        to.expires = from.expires;
        for (const key of to.watched?.keys() ?? []) to.signal(key);
        for (const key of to.waiting ?? []) if (to.entries.has(key)) node.keyReady(to, key);
      }
      node.aclUsers = source.aclUsers;
      node.libraries = source.libraries;
      serverOf(node).scripting?.reloadFunctions();
      reloadUsers(serverOf(node));
      invalidateAll(serverOf(node));
      node.usedBytes = source.usedBytes;
      node.dirty++;
      trackUsage(node);
      if (node.databases.some((db) => db !== undefined && db.expires.size > 0)) expiry.watch(node);
    },
    setFull(full) {
      host.full = full;
    },
    resizeNode(node, maxMemory) {
      node.maxMemory = maxMemory;
    },
    closeNode(node) {
      node.closed = true;
      servers.get(node)?.scripting?.close();
      for (const client of servers.get(node)?.clients.values() ?? []) client.transport?.end();
      servers.delete(node);
    },
    disconnectTenants(node) {
      for (const client of servers.get(node)?.clients.values() ?? []) if (!client.privileged) client.transport?.end();
    },
    userFits: (node, user, password) => fits(serverOf(node), user, password),
    connectionCount: (node) => servers.get(node)?.clients.size ?? 0,
    close,
  };
}

/** Waits until what was written is as durable as the node promises. */
function durable(node: Node): Promise<void> {
  return new Promise((resolve, reject) => {
    node.journal?.whenDurable((written) => {
      if (written) resolve();
      else reject(new Error('The write was carried out but could not be made durable.'));
    });
  });
}

function closeIdle(listeners: ReadonlySet<Listener>, seconds: number): NodeJS.Timeout | undefined {
  if (seconds <= 0) return undefined;
  const check = (): void => {
    const before = Date.now() - seconds * 1000;
    for (const { connections } of listeners) {
      for (const connection of connections) {
        const { client } = connection;
        if (client.blocked === undefined && client.subscriptions === 0 && client.lastActiveMs < before)
          connection.end();
      }
    }
  };
  return setInterval(check, Math.min(1000, seconds * 500)).unref();
}
