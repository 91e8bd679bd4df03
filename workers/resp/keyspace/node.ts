import { clock } from './clock.ts';
import { Database } from './database.ts';
import type { DatabaseOwner } from './database.ts';
import type { Effect, NodeJournal } from './journal.ts';
import { DEFAULT_LIMITS } from './sizes.ts';
import type { EncodingLimits } from './sizes.ts';

/** How many databases a node has. */
export const DATABASE_COUNT = 16;

export type EvictionPolicy =
  | 'noeviction'
  | 'allkeys-lru'
  | 'allkeys-lfu'
  | 'allkeys-random'
  | 'volatile-lru'
  | 'volatile-lfu'
  | 'volatile-random'
  | 'volatile-ttl';

/** What a node is created with. */
export interface NodeOptions {
  /** The host's own name for the node; shown nowhere to clients. */
  readonly id: string;
  /** Bytes; 0 means no limit. */
  readonly maxMemory?: number;
  readonly evictionPolicy?: EvictionPolicy;
  readonly journal?: NodeJournal;
}

/** What happened in a node, for keyspace notifications, blocked clients and statistics. */
export interface NodeListener {
  /** A key changed; `event` is Redis's name for it and `kind` its class letter ('g', '$', 'l', 's', 'h', 'z', 'x', 'e'). */
  event(kind: string, event: string, key: string, db: number): void;
}

/**
 * One tenant's isolated Redis: its databases, limits, journal and counters. It is plain data with no timer and no
 * buffer, and databases come into being when first used, so that thousands of idle nodes fit into a process.
 */
export class Node implements DatabaseOwner {
  readonly id: string;
  databases: (Database | undefined)[] = [];
  maxMemory: number;
  evictionPolicy: EvictionPolicy;
  encodingLimits: EncodingLimits = DEFAULT_LIMITS;
  journal: NodeJournal | undefined;
  /** The ACL users of the node that were made or changed, by name, with their rules as ACL LIST shows them. */
  aclUsers: Map<string, string> | undefined;
  listener: NodeListener | undefined;
  /** Set while writes are refused with this error line (without the leading '-'), for example by a lapsed lease. */
  writesRefused: string | undefined;
  /** Set while all commands on the node's data are refused with this error line (without the leading '-'), as while loading. */
  unavailable: string | undefined;
  /** A script is at work between two slices: nothing else may change the node's data, or look at it as a whole. */
  busy = false;
  /** Those who wait for the script's end. */
  private waiting: (() => void)[] | undefined;
  /** The code of the node's function libraries, by name. */
  libraries: Map<string, string> | undefined;
  /** Set once the node was closed. */
  closed = false;

  /** Bytes of clients' buffers and of what scripts keep, as they were last measured. */
  overheadBytes = 0;
  private measuredAtMs = 0;
  /** Measures those bytes; set once the node has something of the kind. */
  overhead: ((node: Node) => number) | undefined;
  peakBytes = 0;
  replaying = false;
  expiryPaused = false;
  snapshot: DatabaseOwner['snapshot'];
  restamp: DatabaseOwner['restamp'];
  noTouch = false;
  /** As `lfu-log-factor` and `lfu-decay-time`. */
  lfuLogFactor = 10;
  lfuDecayMinutes = 1;
  /** Keys looked at for each one evicted, as `maxmemory-samples`. */
  evictionSamples = 5;
  /** Set while eviction goes on between commands, because one command's share of time was not enough. */
  evicting = false;
  /** Set while clients track what they have read: is told of each change to a key. */
  invalidated: ((key: string) => void) | undefined;
  /** Called when the first key with an expiry appears, to schedule active expiry. */
  onExpiryAdded: ((node: Node) => void) | undefined;

  /** Changes since the node was created; a command that raises it is propagated. */
  dirty = 0;
  /** Set by a command that propagated something else than itself. */
  rewritten = false;
  /** Effects of the command or transaction that is being executed. */
  effects: Effect[] = [];

  /** Keys that blocked clients wait for and that something was put under. */
  readyKeys: { readonly db: Database; readonly key: string; readonly lost?: boolean }[] = [];

  keyspaceHits = 0;
  keyspaceMisses = 0;
  expiredKeys = 0;
  evictedKeys = 0;
  /** Values of many parts that were let go of by UNLINK and its like. */
  lazyFreed = 0;
  commandsProcessed = 0;
  connectionsReceived = 0;
  rejectedConnections = 0;
  /** How often clients had to wait for the node's limits. */
  throttledReads = 0;
  /** What the node may do in a second, as its host sees fit; 0 means no limit. */
  rateLimits: { readonly commandsPerSecond: number; readonly bytesPerSecond: number } | undefined;
  netInputBytes = 0;
  netOutputBytes = 0;
  readsProcessed = 0;
  writesProcessed = 0;
  readonly createdAtMs = Date.now();

  constructor(options: NodeOptions) {
    this.id = options.id;
    this.maxMemory = options.maxMemory ?? 0;
    this.evictionPolicy = options.evictionPolicy ?? 'noeviction';
    this.journal = options.journal;
  }

  /** Bytes of all it holds. */
  get usedBytes(): number {
    let bytes = this.overheadBytes;
    for (const db of this.databases) if (db !== undefined) bytes += db.usedBytes;
    return bytes;
  }

  /** Measures what is not kept count of, if that was last done so long ago. */
  measure(olderThanMs: number): void {
    if (this.overhead === undefined || clock.now - this.measuredAtMs < olderThanMs) return;
    this.measuredAtMs = clock.now;
    this.overheadBytes = this.overhead(this);
  }

  /** The database of an index in range, made when first asked for. */
  database(index: number): Database {
    return (this.databases[index] ??= new Database(index, this));
  }

  /** Resolves once no script has done half of its work, at once when none is at it. Then `busy` is false until the next turn. */
  async whole(): Promise<void> {
    while (this.busy) await new Promise<void>((resolve) => (this.waiting ??= []).push(resolve));
  }

  /** The script that was at work between slices has ended. */
  endWork(): void {
    this.busy = false;
    const { waiting } = this;
    this.waiting = undefined;
    for (const resolve of waiting ?? []) resolve();
  }

  /** Whether effects need to be collected at all. */
  get propagates(): boolean {
    return this.journal !== undefined && this.journal.records && !this.replaying;
  }

  /** Records an effect in the place of the command that is being executed. */
  propagate(db: number, args: readonly string[]): void {
    this.rewritten = true;
    this.addEffect(db, args);
  }

  /** Records an effect beside the command that is being executed. */
  addEffect(db: number, args: readonly string[]): void {
    if (this.propagates) this.effects.push({ db, args });
  }

  /** Hands the only effect of a command to the journal. */
  writeDown(db: number, args: readonly string[]): void {
    if (this.propagates) this.journal!.append(db, args);
  }

  /** Hands the effects collected so far to the journal, as one block when there are several. */
  flushEffects(): void {
    const { effects, journal } = this;
    if (effects.length === 0) return;
    this.effects = [];
    if (journal === undefined) return;
    if (effects.length === 1) journal.append(effects[0]!.db, effects[0]!.args);
    else journal.appendBlock(effects);
  }

  expired(db: Database, key: string): void {
    this.expiredKeys++;
    this.addEffect(db.index, ['DEL', key]);
    this.listener?.event('x', 'expired', key, db.index);
  }

  keyReady(db: Database, key: string): void {
    this.readyKeys.push({ db, key });
  }

  streamLost(db: Database, key: string): void {
    this.readyKeys.push({ db, key, lost: true });
  }

  expiryAdded(): void {
    this.onExpiryAdded?.(this);
  }

  /** Tells whoever listens of a change to a key. */
  notify(kind: string, event: string, key: string, db: number): void {
    this.listener?.event(kind, event, key, db);
  }
}
