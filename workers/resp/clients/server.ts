import type { AclLogEntry, AclUser } from '../acl/shapes.ts';
import type { AuthResult } from '../engine-api.ts';
import { clock } from '../keyspace/clock.ts';
import type { Database, Watcher } from '../keyspace/database.ts';
import type { Node } from '../keyspace/node.ts';
import { Reply } from '../protocol/reply.ts';
import type { CommandStat, LatencyEvent, SlowEntry, SuspendedCall } from './calls.ts';
import type { NodeScripts } from './node-scripts.ts';
import type { Allowance } from './rate.ts';
import type { Shared } from './shared.ts';
import type { Blocked, ClientTracking, Transaction } from './states.ts';
import type { Transport } from './transport.ts';

/** What all nodes of a process share. */
export interface Host extends Shared {
  /** The server side of a node. */
  serverOf(node: Node): Server;
}

/** What a node keeps while any of its clients tracks. */
export interface TrackingTable {
  /** The clients, by id, that have read a key since it last changed. */
  readonly readers: Map<string, Set<number>>;
  /** Those connected that track what they read, or have done so. */
  readonly clients: Set<Client>;
  /** Changed keys that those who listen to all changes have not been told of yet, and by whom they were changed. */
  changed: Map<string, Client | undefined>;
  /** Keys changed by the command that runs, which its own client is told of after its reply; undefined is all keys. */
  own: (string | undefined)[];
  /** The client whose command runs. */
  current: Client | undefined;
}

/** A key that a client watches. */
interface WatchedKey {
  readonly db: Database;
  readonly key: string;
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
  /** Carries out what scripts call. */
  scripted = false;
  watcher: Watcher | undefined;
  watchedKeys: WatchedKey[] | undefined;
  /** Those of them that had an expiry when they were watched: a key that is given one later counts as changed. */
  watchedExpiring: WatchedKey[] | undefined;
  channels: Set<string> | undefined;
  patterns: Set<string> | undefined;
  shardChannels: Set<string> | undefined;
  blocked: Blocked | undefined;
  /** Set while the client is told of changes to what it has read. */
  tracking: ClientTracking | undefined;
  /** Set while an asynchronous command runs; input is held until it has ended. */
  pending: Promise<void> | undefined;
  /** Its script has worked for a slice and goes on. */
  runsOn = false;
  replyMode: 'on' | 'off' | 'skip-next' | 'skip' = 'on';
  noEvict = false;
  noTouch = false;
  /** Errors among the replies that are in the statistics. */
  errorsSeen = 0;
  /** The command whose reply waits until the client is unblocked, or its script has ended. */
  suspended: SuspendedCall | undefined;
  /** What becomes of the AUTH of a connection that came from another engine, which has authenticated it. */
  admitted: AuthResult | undefined;
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

/**
 * What a redis-server process keeps beside its keyspace, for one node: its clients, channels, slow log and settings. Its
 * maps are made when first asked for: an empty one takes some 200 bytes, and most nodes never need most of them.
 */
export class Server {
  readonly node: Node;
  readonly host: Host;
  private clientsMade: Map<number, Client> | undefined;
  nextClientId = 1;
  private channelsMade: Map<string, Set<Client>> | undefined;
  private patternsMade: Map<string, Set<Client>> | undefined;
  private shardChannelsMade: Map<string, Set<Client>> | undefined;
  private waitingMade: Map<string, Set<Client>> | undefined;
  /** Until when commands are held (CLIENT PAUSE), in milliseconds; 0 when not paused. */
  pausedUntilMs = 0;
  pausedWritesOnly = false;
  pauseTimer: NodeJS.Timeout | undefined;
  private pausedClientsMade: Set<Client> | undefined;
  slowLog: SlowEntry[] = [];
  nextSlowId = 0;
  /** Bytes all clients together may take (maxmemory-clients); 0 means no limit. */
  clientBytesMax = 0;
  totalErrors = 0;
  evictedClients = 0;
  private commandStatsMade: Map<string, CommandStat> | undefined;
  private errorStatsMade: Map<string, number> | undefined;
  private configMade: Map<string, string> | undefined;
  /** CONFIG SET was called: there are settings that only memory holds. */
  configured = false;
  /** When the last client left, or this was made. */
  lastLeftMs = Date.now();
  /** The ACL users, made from those of the node when first needed. */
  aclUsers: Map<string, AclUser> | undefined;
  /** Clients that are shown all requests. */
  monitors: Set<Client> | undefined;
  /** The client whose command runs, and messages to it that its command has brought about. */
  current: Client | undefined;
  ownPushes: ((reply: Reply) => void)[] | undefined;
  /** Set while any client tracks. */
  tracking: TrackingTable | undefined;
  /** What was denied, latest first. */
  aclLog: AclLogEntry[] | undefined;
  aclLogMax = 128;
  /** Denials so far, by reason. */
  aclDenied: Partial<Record<AclLogEntry['reason'], number>> | undefined;
  slowLogMicroseconds = 10_000;
  slowLogMax = 128;
  /** Milliseconds from which an event counts as a spike; 0 while nobody wants to know. */
  latencyThresholdMs = 0;
  /** Spikes by the name of what took long. */
  latencyEvents: Map<string, LatencyEvent> | undefined;
  /** Whether the time of each command goes into its histogram. */
  latencyTracking = true;
  /** The node's Lua scripts, once it has used some. */
  scripting: NodeScripts | undefined;
  /** Milliseconds that the node has kept the event loop since its last turn, and what waits for the next one. */
  spentMs = 0;
  tasks: (() => void)[] | undefined;
  /** Bytes of large texts that the node may still make while others are at work, and when that was reckoned. */
  largeTextsLeft = 0;
  largeTextsAtMs = 0;
  /** What is left of the node's limits, where it has some. */
  allowance: Allowance | undefined;
  /** Classes of keyspace notifications that are on, as in notify-keyspace-events. */
  notifications = '';

  constructor(node: Node, host: Host) {
    this.node = node;
    this.host = host;
  }

  get clients(): Map<number, Client> {
    return (this.clientsMade ??= new Map());
  }

  /** Asked often, and of nodes that have no clients. */
  get clientCount(): number {
    return this.clientsMade?.size ?? 0;
  }

  /** The client has left. */
  forget(client: Client): void {
    this.clientsMade?.delete(client.id);
    // Most nodes have no client most of the time.
    if (this.clientsMade?.size === 0) this.clientsMade = undefined;
    this.pausedClientsMade?.delete(client);
    this.lastLeftMs = Date.now();
  }

  get channels(): Map<string, Set<Client>> {
    return (this.channelsMade ??= new Map());
  }

  get patterns(): Map<string, Set<Client>> {
    return (this.patternsMade ??= new Map());
  }

  get shardChannels(): Map<string, Set<Client>> {
    return (this.shardChannelsMade ??= new Map());
  }

  /** Clients that wait for a key, first come first served, by database and key. */
  get waiting(): Map<string, Set<Client>> {
    return (this.waitingMade ??= new Map());
  }

  get pausedClients(): Set<Client> {
    return (this.pausedClientsMade ??= new Set());
  }

  get commandStats(): Map<string, CommandStat> {
    return (this.commandStatsMade ??= new Map());
  }

  get errorStats(): Map<string, number> {
    return (this.errorStatsMade ??= new Map());
  }

  /** What CONFIG SET has made of a setting. */
  changed(name: string): string | undefined {
    return this.configMade?.get(name);
  }

  /** Settings changed by CONFIG SET, by name. */
  get config(): Map<string, string> {
    return (this.configMade ??= new Map());
  }
}
