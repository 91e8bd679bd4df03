import { clock } from './clock.ts';
import { Dict } from './dict.ts';
import type { Restamp } from './dict.ts';
import { stringBytes } from './sizes.ts';
import type { EncodingLimits } from './sizes.ts';
import { LargeString } from './large-string.ts';
import { bytesOf } from './value.ts';
import type { Value } from './value.ts';

/** What a client that watches keys shares with the databases: set once any of them changes. */
export interface Watcher {
  dirty: boolean;
}

/** What a database needs of the node it belongs to. */
export interface DatabaseOwner {
  readonly encodingLimits: EncodingLimits;
  keyspaceHits: number;
  keyspaceMisses: number;
  /** While a journal is replayed nothing expires by itself: the DEL is in the journal. */
  replaying: boolean;
  /** While clients are paused what has expired is not seen any more, and removed later. */
  readonly expiryPaused: boolean;
  /** Set while a snapshot runs: is told of a key before anything about it changes. */
  snapshot: { capture(db: Database, key: string): void } | undefined;
  /** Set while the eviction policy is LFU: the stamp of a key that is used, from the one before. */
  readonly restamp: Restamp | undefined;
  /** The client that runs wants its reads not to count as uses. */
  readonly noTouch: boolean;
  /** Set while clients track what they have read: is told of each change to a key. */
  readonly invalidated: ((key: string) => void) | undefined;
  /** Set while someone wants to be told of events. */
  readonly listener: { event(kind: string, event: string, key: string, db: number): void } | undefined;
  /** A key was found expired and has been removed. */
  expired(db: Database, key: string): void;
  /** Something was put under a key that blocked clients wait for, was added to it, or the key was removed. */
  keyReady(db: Database, key: string): void;
  /** A stream under a key that blocked clients wait for was overwritten: that ends the wait of readers in a group. */
  streamLost(db: Database, key: string): void;
  /** The first expiry of an idle node was set. */
  expiryAdded(): void;
}

/** Each entry has a stamp: when, or how often, it was used. */
const STAMPED = { stamped: true } as const;

/** A time in milliseconds is beyond what fits into a place of an array. */
const TIME_BYTES = 16;

/** The expiries of a database that has none: thousands of nodes have a key, and few of those expire. */
const NO_EXPIRIES = new Dict<number>();

/** One numbered database: its entries, and beside them the times at which some of them expire. */
export class Database {
  index: number;
  entries = new Dict<Value>(STAMPED);
  /** Absolute expiry times in milliseconds. */
  expires = NO_EXPIRIES;
  /** Bytes of the keys and values themselves, without the tables that hold them. */
  private payload = 0;
  /** Clients that WATCH a key, and whether it had expired, without being removed, when they began. */
  watched: Map<string, Map<Watcher, boolean>> | undefined;
  /** Keys that blocked clients wait for. */
  waiting: Set<string> | undefined;
  readonly owner: DatabaseOwner;

  constructor(index: number, owner: DatabaseOwner) {
    this.index = index;
    this.owner = owner;
  }

  get size(): number {
    return this.entries.size;
  }

  /** Bytes of all that is in it. */
  get usedBytes(): number {
    if (this.entries.size === 0) return 0;
    const { expires } = this;
    const times = expires === NO_EXPIRIES ? 0 : expires.bytes + expires.size * TIME_BYTES;
    return this.payload + this.entries.bytes + times;
  }

  /** The value of a key, without counting as a use. An expired key is removed and gone. */
  peek(key: string): Value | undefined {
    const value = this.entries.get(key);
    if (value !== undefined && this.expires.size !== 0 && this.expireIfDue(key)) return undefined;
    return value;
  }

  /** The value of a key for a command that only reads. */
  read(key: string): Value | undefined {
    const value = this.touch(key);
    if (value === undefined) this.missed(key);
    else this.owner.keyspaceHits++;
    return value;
  }

  /** As `read`, for a command that only wants to know about the key: that is no use of it. */
  look(key: string): Value | undefined {
    const value = this.peek(key);
    if (value === undefined) this.missed(key);
    else this.owner.keyspaceHits++;
    return value;
  }

  private missed(key: string): void {
    this.owner.keyspaceMisses++;
    if (this.owner.listener !== undefined) this.owner.listener.event('m', 'keymiss', key, this.index);
  }

  /** The value of a key for a command that may change it in place; `changed` or `remove` must follow when it did. */
  write(key: string): Value | undefined {
    const value = this.touch(key);
    if (value !== undefined && this.owner.snapshot !== undefined) this.owner.snapshot.capture(this, key);
    return value;
  }

  /** As `peek`, and counts as a use. */
  private touch(key: string): Value | undefined {
    const { owner } = this;
    if (owner.noTouch) return this.peek(key);
    const value = this.entries.use(key, clock.stamp, owner.restamp);
    if (value !== undefined && this.expires.size !== 0 && this.expireIfDue(key)) return undefined;
    return value;
  }

  /** Gives a key, which is there, its value in another form; that is no change that anybody is told of. */
  recast(key: string, value: Value): void {
    this.exchange(key, value);
  }

  private exchange(key: string, value: Value): Value | undefined {
    const { owner } = this;
    if (owner.snapshot !== undefined) owner.snapshot.capture(this, key);
    const old = this.entries.exchange(key, value, clock.stamp, owner.restamp);
    if (old !== undefined) this.release(old);
    this.charge(value);
    return old;
  }

  /** Adds or replaces a value and keeps the expiry, if any. */
  put(key: string, value: Value): void {
    const { owner } = this;
    const old = this.exchange(key, value);
    if (old === undefined) {
      this.payload += stringBytes(key);
      if (owner.listener !== undefined) owner.listener.event('n', 'new', key, this.index);
    }
    if (this.watched !== undefined || owner.invalidated !== undefined) this.signal(key);
    if (this.waiting === undefined || !this.waiting.has(key)) return;
    // As in Redis, nobody is woken by what takes the place of something else, but for readers who lost their stream.
    if (old === undefined) owner.keyReady(this, key);
    else if (typeof old !== 'string' && old.kind === 'stream') owner.streamLost(this, key);
  }

  /** Adds or replaces a value and drops the expiry, as SET does. */
  replace(key: string, value: Value): void {
    // What has expired is told of as such, and not as overwritten.
    if (this.expires.size !== 0) this.expireIfDue(key);
    this.load(key, value);
  }

  /** Accounts for a collection that was changed in place; an emptied one must be removed instead. */
  changed(key: string, value: Value): void {
    if (typeof value !== 'string') this.recount(value);
    if (this.watched !== undefined || this.owner.invalidated !== undefined) this.signal(key);
  }

  /** Accounts for a collection without telling those who WATCH it, as Redis does for what groups have pending. */
  recount(value: Exclude<Value, string>): void {
    this.payload += value.bytes - value.charged;
    value.charged = value.bytes;
  }

  /** Removes a key that is there, and says whether it was. */
  remove(key: string): boolean {
    if (this.owner.snapshot !== undefined) this.owner.snapshot.capture(this, key);
    const value = this.entries.take(key);
    if (value === undefined) return false;
    this.payload -= stringBytes(key);
    this.release(value);
    if (this.expires.size !== 0) this.expires.delete(key);
    if (this.watched !== undefined || this.owner.invalidated !== undefined) this.signal(key);
    if (this.waiting !== undefined && this.waiting.has(key)) this.owner.keyReady(this, key);
    return true;
  }

  /** When a key expires, in absolute milliseconds, or undefined. */
  expiryOf(key: string): number | undefined {
    return this.expires.size === 0 ? undefined : this.expires.get(key);
  }

  /** Sets the expiry of a key that is there. */
  expireAt(key: string, atMs: number): void {
    if (this.owner.snapshot !== undefined) this.owner.snapshot.capture(this, key);
    // The key's string is the one of the entry, so that it is not kept twice.
    if (this.expires === NO_EXPIRIES) this.expires = new Dict();
    if (this.expires.set(this.entries.keyOf(key) ?? key, atMs) && this.expires.size === 1) this.owner.expiryAdded();
    if (this.watched !== undefined || this.owner.invalidated !== undefined) this.signal(key);
  }

  /** Removes the expiry of a key and says whether there was one. */
  persist(key: string): boolean {
    if (this.expires.size === 0 || !this.expires.has(key)) return false;
    if (this.owner.snapshot !== undefined) this.owner.snapshot.capture(this, key);
    this.expires.delete(key);
    if (this.watched !== undefined || this.owner.invalidated !== undefined) this.signal(key);
    return true;
  }

  /** Puts an entry back as it was saved: no journal, no notification, and no look at whether it has expired. */
  load(key: string, value: Value, expireAtMs?: number): void {
    this.put(key, value);
    if (this.expires.size !== 0) this.expires.delete(key);
    if (expireAtMs !== undefined) this.expireAt(key, expireAtMs);
  }

  /** Removes everything. A running snapshot keeps the old entries. Who tracks what it has read is told by the caller, at once of all. */
  clear(): void {
    this.watched?.forEach((_, key) => {
      if (this.entries.has(key)) this.tellWatchers(key, false);
    });
    this.waiting?.forEach((key) => {
      if (this.entries.has(key)) this.owner.keyReady(this, key);
    });
    this.start();
  }

  /** Lets go of everything, however much it is, in constant time: nothing is looked at again. */
  private start(): void {
    this.entries = new Dict(STAMPED);
    this.expires = NO_EXPIRIES;
    this.payload = 0;
  }

  /** Takes what another database holds in the place of its own; the other must not be used any more. Who tracks what it has read is told by the caller, at once of all. */
  takeOver(other: Database | undefined): void {
    this.watched?.forEach((_, key) => this.tellWatchers(key, true));
    this.start();
    if (other !== undefined) {
      this.entries = other.entries;
      this.expires = other.expires;
      this.payload = other.payload;
    }
    for (const key of this.waiting ?? []) if (this.entries.has(key)) this.owner.keyReady(this, key);
  }

  /** Exchanges what two databases hold; who watches or waits for a key stays with the number. As in Redis, who tracks what it has read is not told. */
  swap(other: Database): void {
    const { entries, expires, payload } = this;
    this.entries = other.entries;
    this.expires = other.expires;
    this.payload = other.payload;
    other.entries = entries;
    other.expires = expires;
    other.payload = payload;
    for (const db of [this, other]) {
      const before = db === this ? other : this;
      db.watched?.forEach((watchers, key) => {
        if (!db.entries.has(key) && !before.entries.has(key)) return;
        watchers.forEach((stale, watcher) => {
          // What had expired may go or be replaced by what has expired, and nothing by what has expired: no change shows.
          const expired = db.isExpired(key);
          if (stale && !db.entries.has(key)) watchers.set(watcher, false);
          else if (!stale && !before.entries.has(key) && expired) watchers.set(watcher, true);
          else if (!(stale && expired)) watcher.dirty = true;
        });
      });
      for (const key of db.waiting ?? []) {
        if (db.entries.has(key) || before.entries.has(key)) db.owner.keyReady(db, key);
      }
    }
  }

  /** Whether a key's time has come, without removing it. */
  isExpired(key: string): boolean {
    const at = this.expires.get(key);
    return at !== undefined && at <= clock.now;
  }

  /** Removes a key whose time has come, and says whether it did. */
  expireIfDue(key: string): boolean {
    const at = this.expires.get(key);
    if (at === undefined || at > clock.now || this.owner.replaying) return false;
    if (this.owner.expiryPaused) return true;
    this.remove(key);
    this.owner.expired(this, key);
    return true;
  }

  /** Tells the clients that watch a key, or have read it and track it. */
  signal(key: string): void {
    this.owner.invalidated?.(key);
    if (this.watched !== undefined) this.tellWatchers(key, this.entries.has(key));
  }

  /** Tells those who watch a key, except where it had expired when they began and is now merely gone. */
  private tellWatchers(key: string, there: boolean): void {
    const watchers = this.watched?.get(key);
    watchers?.forEach((stale, watcher) => {
      if (stale && !there) watchers.set(watcher, false);
      else watcher.dirty = true;
    });
  }

  private charge(value: Value): void {
    this.payload += bytesOf(value);
    if (typeof value === 'string') return;
    value.charged = value.bytes;
    if (value instanceof LargeString) value.hold();
  }

  private release(value: Value): void {
    if (typeof value === 'string') this.payload -= stringBytes(value);
    else {
      this.payload -= value.charged;
      value.charged = 0;
      if (value instanceof LargeString) value.letGo();
    }
  }
}
