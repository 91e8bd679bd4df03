import { randomBytes } from 'node:crypto';
import { aclFile, loadAclFile, loadConfiguredUsers } from './acl/file.ts';
import { fits, reloadUsers } from './acl/users.ts';
import { Client, Server } from './clients/server.ts';
import type { Host } from './clients/server.ts';
import { applySettings } from './config/effects.ts';
import { createThrottle } from './clients/throttle.ts';
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

/** Redis's own defaults. */
const DEFAULT_CONNECTION_LIMITS: ConnectionLimits = {
  maxClients: 10_000,
  idleTimeoutSeconds: 0,
  bulkBytesMax: 512 * MEBIBYTE,
  queryBufferBytesMax: 1024 * MEBIBYTE,
  outputBufferBytesMax: 0,
  pubsubBufferBytesMax: 32 * MEBIBYTE,
};

const LOOPBACK = '127.0.0.1';

registerCommands();

/** Makes an engine. Nothing listens until `listen` is called. */
export function createEngine(options: EngineOptions): Engine {
  const servers = new WeakMap<Node, Server>();
  const listeners = new Set<Listener>();
  const expiry = createExpiryCycle();
  const limits = { ...DEFAULT_CONNECTION_LIMITS, ...options.limits };
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
    if (node.onExpiryAdded === undefined) adopt(node);
    return server;
  };
  /** Until someone connects to it, a node needs nothing else. */
  const adopt = (node: Node): void => {
    node.onExpiryAdded = expiry.watch;
    if (node.databases.some((db) => db !== undefined && db.expires.size > 0)) expiry.watch(node);
    trackUsage(node);
  };
  const host: Host = {
    limits,
    softLimits: { normal: { bytes: 0, seconds: 0 }, pubsub: { bytes: 8 * MEBIBYTE, seconds: 60 } },
    settings: options.settings ?? new Map(),
    configFile: options.configFile,
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
    throttle: createThrottle(),
    async listenOn(port) {
      try {
        const [old] = listeners;
        const listener = await listen(port, old?.address ?? LOOPBACK, lobby);
        for (const other of listeners) other.stopAccepting();
        listeners.add(listener);
        host.port = listener.port;
        return undefined;
      } catch {
        return 'Unable to listen on this port. Check server logs.';
      }
    },
    shutdown: () => {
      options.onShutdown?.();
    },
  };
  const lobby = serverOf(lobbyNode);
  if (standalone) applySettings(lobby);
  const idleTimer = closeIdle(listeners, limits, standalone);

  /** A client without a connection, for the host's own commands. */
  const insider = (node: Node, db: number): Client => {
    const client = new Client(serverOf(node), undefined, '127.0.0.1:0', '127.0.0.1:0');
    client.authenticated = true;
    client.db = node.database(db);
    return client;
  };

  return {
    async listen({ port, host: address = LOOPBACK }) {
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
    loadUsers() {
      const file = aclFile(lobby);
      const { aclUsers = [] } = options;
      if (aclUsers.length > 0) loadConfiguredUsers(lobby, aclUsers);
      const problem = file === undefined ? undefined : loadAclFile(lobby, file);
      if (problem !== undefined) throw new Error(problem);
    },
    adopt,
    beginSnapshot: (node, emit) => beginSnapshot(node, emit),
    replaceKeyspace(node, source) {
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

function closeIdle(
  listeners: ReadonlySet<Listener>,
  limits: Pick<ConnectionLimits, 'idleTimeoutSeconds'>,
  changeable: boolean,
): NodeJS.Timeout | undefined {
  if (limits.idleTimeoutSeconds <= 0 && !changeable) return undefined;
  const check = (): void => {
    const seconds = limits.idleTimeoutSeconds;
    if (seconds <= 0) return;
    const before = Date.now() - seconds * 1000;
    for (const { connections } of listeners) {
      for (const connection of connections) {
        const { client } = connection;
        if (client.blocked === undefined && client.subscriptions === 0 && client.lastActiveMs < before)
          connection.end();
      }
    }
  };
  const seconds = limits.idleTimeoutSeconds > 0 ? limits.idleTimeoutSeconds : 1;
  return setInterval(check, Math.min(1000, seconds * 500)).unref();
}
