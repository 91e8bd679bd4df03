import { randomBytes } from 'node:crypto';
import { aclFile, loadAclFile, loadConfiguredUsers } from './acl/file.ts';
import { fits, reloadUsers } from './acl/users.ts';
import { overheadOf } from './clients/overhead.ts';
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
import { DATABASE_COUNT, Node } from './keyspace/node.ts';
import { beginSnapshot } from './keyspace/snapshot.ts';
import { trackUsage } from './keyspace/usage.ts';
import { listen } from './net/listener.ts';
import type { Listener } from './net/listener.ts';
import type { Connection } from './net/connection.ts';
import { createSockets } from './net/sockets.ts';
import { scriptingOf } from './scripting/scripts.ts';
import { readReply } from './protocol/reply-value.ts';

const MEBIBYTE = 1_048_576;
const IDLE_CHECK_MS = 500;

/** Redis's own defaults. */
const DEFAULT_CONNECTION_LIMITS: ConnectionLimits = {
  maxClients: 10_000,
  nodeClientsMax: 0,
  idleTimeoutSeconds: 0,
  authTimeoutSeconds: 0,
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
    const closed = Promise.all([...listeners].map((listener) => listener.close()));
    const ended = Promise.all([...sockets.connections].map((connection) => connection.ended()));
    await Promise.all([closed, ended]);
    listeners.clear();
  };
  const serverOf = (node: Node): Server => {
    const known = servers.get(node);
    if (known !== undefined) return known;
    const server = new Server(node, host);
    servers.set(node, server);
    node.overhead = overhead;
    if (node.onExpiryAdded === undefined) adopt(node);
    return server;
  };
  const overhead = (node: Node): number => overheadOf(serverOf(node));
  /** Until someone connects to it, a node needs nothing else. */
  const adopt = (node: Node): void => {
    node.onExpiryAdded = expiry.watch;
    if (node.databases.some((db) => db !== undefined && db.expires.size > 0)) expiry.watch(node);
    trackUsage(node);
  };
  const host: Host = {
    limits,
    softLimits: {
      normal: { bytes: 0, seconds: 0 },
      pubsub: { bytes: 8 * MEBIBYTE, seconds: 60 },
      replica: { hard: 256 * MEBIBYTE, bytes: 64 * MEBIBYTE, seconds: 60 },
    },
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
    bind: LOOPBACK,
    requirePass: options.requirePass,
    authenticate: options.authenticate,
    serverOf,
    throttle: createThrottle(),
    async listenOn(port) {
      try {
        const listener = await listen(port, host.bind, sockets);
        for (const other of listeners) void other.close();
        listeners.clear();
        listeners.add(listener);
        host.port = listener.port;
        return undefined;
      } catch {
        return 'Unable to listen on this port. Check server logs.';
      }
    },
    onFault: options.onFault,
    shutdown: () => {
      options.onShutdown?.();
    },
  };
  const lobby = serverOf(lobbyNode);
  if (standalone) applySettings(lobby);
  const sockets = createSockets(lobby);
  const idleTimer = setInterval(() => closeIdle(sockets.connections, limits), IDLE_CHECK_MS).unref();

  /** A client without a connection, for the host's own commands. */
  const insider = (node: Node, db: number): Client => {
    const client = new Client(serverOf(node), undefined, '127.0.0.1:0', '127.0.0.1:0');
    client.authenticated = true;
    client.db = node.database(db);
    return client;
  };

  return {
    async listen({ port, host: address = LOOPBACK }) {
      const listener = await listen(port, address, sockets);
      host.bind = address;
      listeners.add(listener);
      host.port = listener.port;
      return listener.port;
    },
    takeOver: (arrival, admitted) => sockets.arrived(arrival, admitted),
    async execute(node, args, db = 0) {
      tick();
      startBatch();
      const client = insider(node, db);
      client.reply.resp3 = true;
      // Only a script that is at work makes a client without a connection wait.
      while (!execute(client, args)) await new Promise<void>((free) => scriptingOf(serverOf(node)).whenFree(free));
      await client.pending;
      detach(client);
      const reply = readReply(client.reply.takeText());
      if (node.journal?.holdsReplies === true) await kept(node);
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
      const reply = client.reply.takeText();
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
      if (node.busy) throw new Error('A script is at work; wait for node.whole() before its data is replaced.');
      tick();
      for (let index = 0; index < DATABASE_COUNT; index++) {
        const from = source.databases[index];
        if (from === undefined) node.databases[index]?.takeOver(undefined);
        else node.database(index).takeOver(from);
      }
      node.aclUsers = source.aclUsers;
      node.libraries = source.libraries;
      serverOf(node).scripting?.reloadFunctions();
      reloadUsers(serverOf(node));
      invalidateAll(serverOf(node));
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
    idleMs(node) {
      if (node.busy || node.snapshot !== undefined) return 0;
      const server = servers.get(node);
      if (server === undefined) return Date.now() - node.createdAtMs;
      if (server.clientCount > 0 || server.configured || server.pausedUntilMs > Date.now()) return 0;
      return Date.now() - server.lastLeftMs;
    },
    connectionCount: (node) => servers.get(node)?.clientCount ?? 0,
    close,
  };
}

/** Waits until what was written is as safe as the node promises. */
function kept(node: Node): Promise<void> {
  return new Promise((resolve, reject) => {
    node.journal?.whenKept((written) => {
      if (written) resolve();
      else reject(new Error('The write was carried out but could not be made durable.'));
    });
  });
}

/** Closes connections that have asked for nothing, or not shown who they are, for too long. */
function closeIdle(connections: Iterable<Connection>, limits: ConnectionLimits): void {
  const now = Date.now();
  for (const connection of connections) {
    const { client } = connection;
    if (!client.authenticated) {
      const { authTimeoutSeconds: seconds } = limits;
      if (seconds > 0 && client.createdAtMs < now - seconds * 1000) connection.destroy();
    } else if (client.blocked === undefined && client.subscriptions === 0 && client.pending === undefined) {
      const seconds = Number(client.server.changed('timeout') ?? limits.idleTimeoutSeconds);
      if (seconds > 0 && client.lastActiveMs < now - seconds * 1000) connection.end();
    }
  }
}
