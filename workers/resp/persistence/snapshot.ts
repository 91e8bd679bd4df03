import type { Node } from '../keyspace/node.ts';
import { beginSnapshot } from '../keyspace/snapshot.ts';
import type { NodeSnapshot } from '../keyspace/snapshot.ts';
import type { Value } from '../keyspace/value.ts';
import { KeyspaceDigest } from './digest.ts';
import { freezeEntry } from './frozen-entry.ts';
import type { FrozenEntry, LargeEntry } from './frozen-entry.ts';
import { nextSlice, sliceIsOver } from './pace.ts';
import { isLarge } from './rdb/write-value.ts';
import { rdbForm } from './rdb/write.ts';
import type { SnapshotForm, SnapshotKeys } from './snapshot-form.ts';

/** How much is handed on at a time at least: whoever takes it mostly makes a trip to another thread with it. */
const CHUNK_MIN_BYTES = 65_536;

/** What a snapshot holds. */
interface SnapshotSummary {
  readonly keys: number;
  readonly digest: string;
  readonly bytes: number;
}

/** A snapshot on its way. */
export interface RdbSnapshot {
  /** The RDB file, in chunks of some 64 to 128 KiB. The snapshot's instant is when it is first read; it can be read once. */
  readonly stream: AsyncIterable<Buffer>;
  /** Settles when the stream has ended: fulfilled when it was read to its end, rejected when it was broken off. */
  readonly result: Promise<SnapshotSummary>;
}

/** How a snapshot is taken. */
export interface SnapshotOptions {
  /** Called synchronously at the snapshot's instant. */
  readonly onInstant?: () => void;
  /** The instant waits until this is so, for what `onInstant` has to do. */
  readonly ready?: () => boolean;
  /** What it is written as: an RDB file without compression unless given. */
  readonly form?: SnapshotForm;
  /** False saves the time for a digest nobody wants (`digest` is then empty). */
  readonly digest?: boolean;
}

/** Snapshots of one node take turns, since a node can run one at a time. */
const turns = new WeakMap<Node, Promise<unknown>>();

/**
 * An RDB file of a node as it is at one instant, while writes go on; keys that have expired but were not removed yet are
 * in it. What is about to be changed is written first, so a slow reader costs at most the memory of the keys changed
 * meanwhile.
 */
export function snapshotRdb(node: Node, options: SnapshotOptions = {}): RdbSnapshot {
  const { promise: result, resolve, reject } = Promise.withResolvers<SnapshotSummary>();
  // Whoever reads the stream learns of a failure there; nobody has to look at the result.
  result.catch(() => {});
  async function* stream(): AsyncGenerator<Buffer> {
    const turn = Promise.withResolvers<void>();
    const before = turns.get(node);
    turns.set(node, turn.promise);
    let summary: SnapshotSummary | undefined;
    try {
      await before;
      summary = yield* write(node, options);
    } catch (error) {
      reject(error);
      throw error;
    } finally {
      turn.resolve();
      if (summary !== undefined) resolve(summary);
      else reject(new Error('The snapshot was broken off before its end.'));
    }
  }
  return { stream: stream(), result };
}

async function* write(node: Node, options: SnapshotOptions): AsyncGenerator<Buffer, SnapshotSummary> {
  const { form = rdbForm() } = options;
  const seal = form.seal();
  // A script that is suspended between two slices has done half of its work.
  do await (node.busy ? node.whole() : nextSlice());
  while (node.busy || options.ready?.() === false);
  const running = new RunningSnapshot(node, form, options);
  const gathered = new Gathered();
  try {
    options.onInstant?.();
    for (let done = false; !done;) {
      done = running.step();
      const chunks = running.take(done);
      if (!done) await nextSlice();
      for (const chunk of chunks) {
        for (const _ of seal.add(chunk)) if (sliceIsOver()) await nextSlice();
        gathered.add(chunk);
        if (gathered.bytes >= CHUNK_MIN_BYTES) yield gathered.take();
      }
    }
  } finally {
    running.end();
  }
  gathered.add(seal.end());
  yield gathered.take();
  return { keys: running.keys, digest: running.digest?.toString() ?? '', bytes: gathered.total };
}

/** Chunks on their way out. Small ones go together; a large one goes as it is, without a copy of it. */
class Gathered {
  /** How much is here. */
  bytes = 0;
  /** How much has ever been. */
  total = 0;
  private chunks: Buffer[] = [];

  add(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    this.total += chunk.length;
  }

  take(): Buffer {
    const { chunks, bytes } = this;
    this.chunks = [];
    this.bytes = 0;
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes);
  }
}

/**
 * The keys of a snapshot on their way into an RDB file. A large value is written in parts, and frozen once it is about to
 * change or its turn has come. Keys that are captured in the middle of a large one go aside.
 */
class RunningSnapshot {
  keys = 0;
  readonly digest: KeyspaceDigest | undefined;
  private readonly node: Node;
  private readonly inner: NodeSnapshot;
  private readonly hook: NonNullable<Node['snapshot']>;
  private readonly form: SnapshotForm;
  private readonly main: SnapshotKeys;
  private aside: SnapshotKeys | undefined;
  /** Large entries waiting for their turn, by key, and those of them that were frozen because they changed. */
  private readonly waiting = new Map<string, LargeEntry[]>();
  private readonly frozen: FrozenEntry[] = [];
  /** The large value that is being written. */
  private current: FrozenEntry | undefined;
  private scanned = false;
  /** Set while a key is written that is about to change, which can't wait. */
  private capturing: string | undefined;

  constructor(node: Node, form: SnapshotForm, { digest }: SnapshotOptions) {
    this.node = node;
    this.form = form;
    this.main = form.keys();
    this.digest = digest === false ? undefined : new KeyspaceDigest();
    this.main.out.append(form.header(node));
    for (const db of node.databases)
      if (db !== undefined && db.size > 0) this.main.announce(db.index, db.size, db.expires.size);
    this.inner = beginSnapshot(node, this.emit.bind(this));
    const scan = node.snapshot!;
    this.hook = {
      capture: (db, key) => {
        this.release(key);
        this.capturing = key;
        scan.capture(db, key);
        this.capturing = undefined;
      },
    };
    node.snapshot = this.hook;
  }

  /** Works until the slice is over and says whether all is written. */
  step(): boolean {
    do {
      if (this.current !== undefined) this.stepCurrent(this.current);
      else if (this.frozen.length > 0) this.current = this.frozen.pop()!;
      else if (this.waiting.size > 0) this.beginWaiting();
      else if (this.scanned) return true;
      else this.scanned = this.inner.step();
    } while (!sliceIsOver());
    return false;
  }

  /** Takes what is ready to go out; at the end all of it. */
  take(all: boolean): Buffer[] {
    return this.main.out.take(all);
  }

  /** Lets go of the node. */
  end(): void {
    this.inner.cancel();
    this.current?.end();
    for (const frozen of this.frozen) frozen.end();
    if (this.node.snapshot === this.hook) this.node.snapshot = undefined;
  }

  private emit(db: number, key: string, value: Value, expireAtMs: number | undefined): void {
    this.keys++;
    if (!isLarge(value)) this.writeNow(db, key, value, expireAtMs);
    else if (key === this.capturing) this.freeze({ db, key, value, expireAtMs });
    else {
      const same = this.waiting.get(key);
      if (same === undefined) this.waiting.set(key, [{ db, key, value, expireAtMs }]);
      else same.push({ db, key, value, expireAtMs });
    }
  }

  private writeNow(db: number, key: string, value: Value, expireAtMs: number | undefined): void {
    const keys = this.current === undefined ? this.main : (this.aside ??= this.form.keys());
    keys.entry(db, key, value, expireAtMs);
    this.digest?.add(db, key, value, expireAtMs);
  }

  /** Keeps a large entry that is about to change as it is. */
  private freeze(entry: LargeEntry): void {
    const frozen = freezeEntry(entry, this.form.keys(), this.digest);
    if (frozen === undefined) this.writeNow(entry.db, entry.key, entry.value, entry.expireAtMs);
    else this.frozen.push(frozen);
  }

  private beginWaiting(): void {
    for (const [key, entries] of this.waiting) {
      const entry = entries.pop()!;
      if (entries.length === 0) this.waiting.delete(key);
      this.freeze(entry);
      return;
    }
  }

  private stepCurrent(current: FrozenEntry): void {
    const more = current.step();
    const chunks = current.keys.out.take(!more);
    if (chunks.length > 0) this.main.out.append(chunks);
    if (!more) this.closeCurrent();
  }

  private closeCurrent(): void {
    this.current = undefined;
    this.main.forgetSelection();
    if (this.aside !== undefined) this.main.out.append(this.aside.out.take(true));
    this.aside = undefined;
  }

  /** A key is about to change: what still waits for its turn is frozen. */
  private release(key: string): void {
    const entries = this.waiting.get(key);
    if (entries === undefined) return;
    this.waiting.delete(key);
    for (const entry of entries) this.freeze(entry);
  }
}
