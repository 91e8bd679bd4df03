import type { AclLogEntry, AclUser } from '../acl/shapes.ts';
import type { AuthRequest, AuthResult, ConnectionLimits, ExtraCommand, Saving } from '../engine-api.ts';
import { clock } from '../keyspace/clock.ts';
import type { ValueCodec } from '../keyspace/codec.ts';
import type { Database, Watcher } from '../keyspace/database.ts';
import type { Node } from '../keyspace/node.ts';
import { Reply } from '../protocol/reply.ts';

/** What all nodes of a process share. */
export interface Host {
  readonly limits: ConnectionLimits;
  readonly codec: ValueCodec | undefined;
  /** By name in lower case. */
  readonly extraCommands: ReadonlyMap<string, ExtraCommand>;
  /** True when the engine is a Redis server of its own: nothing is withheld. */
  readonly standalone: boolean;
  readonly saving: Saving | undefined;
  readonly startedAtMs: number;
  readonly runId: string;
  /** All nodes together take as much memory as the process may have. */
  full: boolean;
  port: number;
  /** Standalone: the password of the default user, while it has no rules of its own. */
  readonly requirePass: string | undefined;
  /** Decides where a password leads; undefined while standalone, where the node's own users are all there are. */
  authenticate: ((request: AuthRequest) => AuthResult | Promise<AuthResult>) | undefined;
  /** The server side of a node. */
  serverOf(node: Node): Server;
  /** Counts a failed AUTH of an address; true while the address may try. */
  mayAuthenticate(address: string): boolean;
  authFailed(address: string): void;
  /** Standalone: ends the process's engine. */
  shutdown(): void;
}

/** What a client's replies go out through; clients that live inside the engine have none. */
export interface Transport {
  /** Something was added to the replies outside the client's own request. */
  schedule(): void;
  /** The client can go on with its input (it was unblocked, or the pause is over). */
  resume(): void;
  /** Sends what waits and closes. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
  /** Bytes of input kept, and of output not yet taken by the peer. */
  sizes(): { input: number; output: number };
}

/** Why a client waits, and what ends it. */
export interface Blocked {
  readonly db: number;
  readonly keys: readonly string[];
  /** Replies if the key now has what is waited for, and says whether it did. */
  serve(key: string): boolean;
  /** Set when the key's removal ends the wait too, with an error. */
  readonly endsWhenRemoved?: boolean;
  /** Replies that the time is over. */
  timedOut(): void;
  timer: NodeJS.Timeout | undefined;
}

/** Commands queued by MULTI. */
export interface Transaction {
  readonly queue: (readonly string[])[];
  /** A command was refused when queued, so EXEC must fail. */
  broken: boolean;
}

export interface SlowEntry {
  readonly id: number;
  readonly atSeconds: number;
  readonly microseconds: number;
  readonly args: readonly string[];
  readonly address: string;
  readonly name: string;
}

export interface CommandStat {
  calls: number;
  microseconds: number;
  rejected: number;
  failed: number;
}

/** A node's scripts and functions, and the one that is running. */
export interface NodeScripts {
  /** What others are told instead of being kept waiting; undefined while they wait, or nothing runs. */
  readonly busy: string | undefined;
  /** Ends what is running. */
  kill(kind: 'eval' | 'function'): 'killed' | 'wrote' | 'none' | 'other';
  /** The node is gone: what is running has to come to its end. */
  close(): void;
  /** The node's libraries were exchanged as a whole. */
  reloadFunctions(): void;
  /** Calls back once nothing runs, or those who wait are to be told. */
  whenFree(callback: () => void): void;
  readonly sizes: ScriptSizes;
}

/** What INFO and MEMORY tell of a node's scripts. */
export interface ScriptSizes {
  readonly scripts: number;
  readonly libraries: number;
  readonly functions: number;
  /** Bytes of the states that scripts and functions run in. */
  readonly evalStateBytes: number;
  readonly functionStateBytes: number;
  /** Bytes of what is kept of them outside. */
  readonly scriptBytes: number;
  readonly functionBytes: number;
}

/** How a client wants to be told of changes to what it has read (client-side caching). */
export interface ClientTracking {
  /** The client that is told in its place, by its id; 0 for itself. */
  readonly redirect: number;
  readonly broadcast: boolean;
  readonly optIn: boolean;
  readonly optOut: boolean;
  readonly noLoop: boolean;
  prefixes: readonly string[];
  /** CLIENT CACHING was called: the next command counts (or does not). */
  caching: boolean;
  brokenRedirect: boolean;
}

/** What a node keeps while any of its clients tracks. */
export interface TrackingTable {
  /** The clients, by id, that have read a key since it last changed. */
  readonly readers: Map<string, Set<number>>;
  readonly clients: Set<Client>;
  /** Changed keys that those who listen to all changes have not been told of yet, and by whom they were changed. */
  changed: Map<string, Client | undefined>;
  /** Keys changed by the command that runs, which its own client is told of after its reply; undefined is all keys. */
  own: (string | undefined)[];
  /** The client whose command runs. */
  current: Client | undefined;
}

/** One connection as commands see it. */
export class Client {
  id = 0;
  server: Server;
  db: Database;
  readonly reply = new Reply();
  readonly transport: Transport | undefined;
  readonly address: string;
  readonly localAddress: string;
  authenticated = false;
  privileged = false;
  user = 'default';
  /** The user, when there is anything it may not do. */
  restrictedTo: AclUser | undefined;
  name = '';
  libName = '';
  libVersion = '';
  readonly createdAtMs = clock.now;
  lastActiveMs = clock.now;
  lastCommand = '';
  transaction: Transaction | undefined;
  /** True while EXEC runs the queued commands: nothing may block. */
  executing = false;
  watcher: Watcher | undefined;
  watchedKeys: { readonly db: Database; readonly key: string }[] | undefined;
  channels: Set<string> | undefined;
  patterns: Set<string> | undefined;
  shardChannels: Set<string> | undefined;
  blocked: Blocked | undefined;
  /** Set while the client is told of changes to what it has read. */
  tracking: ClientTracking | undefined;
  /** Set while an asynchronous command runs; input is held until it has ended. */
  pending: Promise<void> | undefined;
  replyMode: 'on' | 'off' | 'skip-next' | 'skip' = 'on';
  noEvict = false;
  noTouch = false;
  /** Close once the replies are out. */
  closing = false;
  /** The connection has ended; nothing may tie the client to a node any more. */
  gone = false;
  /** Called when the connection ends before an asynchronous command has. */
  whenGone: (() => void) | undefined;

  constructor(server: Server, transport: Transport | undefined, address: string, localAddress: string) {
    this.server = server;
    this.db = server.node.database(0);
    this.transport = transport;
    this.address = address;
    this.localAddress = localAddress;
  }

  get node(): Node {
    return this.server.node;
  }

  /** Whether a blocking command may wait: not inside a transaction, and not without a connection. */
  get mayBlock(): boolean {
    return !this.executing && this.transport !== undefined;
  }

  /** Channels, shard channels and patterns the client listens to. */
  get subscriptions(): number {
    return (this.channels?.size ?? 0) + (this.patterns?.size ?? 0) + (this.shardChannels?.size ?? 0);
  }
}

/** What a redis-server process keeps beside its keyspace, for one node: its clients, channels, slow log and settings. */
export class Server {
  readonly node: Node;
  readonly host: Host;
  readonly clients = new Map<number, Client>();
  nextClientId = 1;
  channels = new Map<string, Set<Client>>();
  patterns = new Map<string, Set<Client>>();
  shardChannels = new Map<string, Set<Client>>();
  /** Clients that wait for a key, first come first served, by database and key. */
  readonly waiting = new Map<string, Set<Client>>();
  /** Until when commands are held (CLIENT PAUSE), in milliseconds; 0 when not paused. */
  pausedUntilMs = 0;
  pausedWritesOnly = false;
  pauseTimer: NodeJS.Timeout | undefined;
  readonly pausedClients = new Set<Client>();
  slowLog: SlowEntry[] = [];
  nextSlowId = 0;
  readonly commandStats = new Map<string, CommandStat>();
  readonly errorStats = new Map<string, number>();
  /** Settings changed by CONFIG SET, by name. */
  readonly config = new Map<string, string>();
  /** The ACL users, made from those of the node when first needed. */
  aclUsers: Map<string, AclUser> | undefined;
  /** Clients that are shown all requests. */
  monitors: Set<Client> | undefined;
  /** Set while any client tracks. */
  tracking: TrackingTable | undefined;
  /** What was denied, latest first. */
  aclLog: AclLogEntry[] | undefined;
  aclLogMax = 128;
  slowLogMicroseconds = 10_000;
  slowLogMax = 128;
  /** The node's Lua scripts, once it has used some. */
  scripting: NodeScripts | undefined;
  /** Classes of keyspace notifications that are on, as in notify-keyspace-events. */
  notifications = '';

  constructor(node: Node, host: Host) {
    this.node = node;
    this.host = host;
  }
}
