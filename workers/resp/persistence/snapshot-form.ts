import type { Node } from '../keyspace/node.ts';
import type { Value } from '../keyspace/value.ts';

/** Takes the elements of a collection one by one: an element; a member and its score; or a field and its value. */
export interface OpenCollection {
  add(element: string, second?: string | number): void;
  /** Ends it, when all were added. */
  end(): void;
}

/** Keys with their values on their way into a file. */
export interface SnapshotKeys {
  readonly out: {
    /** Takes what is ready to go out; with `all` everything. */
    take(all?: boolean): Buffer[];
    /** Adds what was written elsewhere. */
    append(chunks: readonly Buffer[]): void;
  };
  /** Tells how much of a database is to come. */
  announce(db: number, keys: number, expiries: number): void;
  /** Writes one key with its value. */
  entry(db: number, key: string, value: Value, expireAtMs: number | undefined): void;
  /** As `entry`, yielding now and then; the value must not change meanwhile. */
  entrySliced(db: number, key: string, value: Value, expireAtMs: number | undefined): Generator<void>;
  /** Begins a collection, which is no stream. */
  open(db: number, key: string, value: Value, expireAtMs: number | undefined): OpenCollection;
  /** After another part was put in between, the database has to be selected again. */
  forgetSelection(): void;
}

/** What a snapshot is written as: an RDB file, or commands. */
export interface SnapshotForm {
  keys(): SnapshotKeys;
  /** The beginning of a file, with what a node has beside its keys. */
  header(node: Node): Buffer[];
  /** A new file's end, and what has to be known of all before it. */
  seal(): {
    /** Takes note of a chunk that goes out, yielding often enough not to stall anyone. */
    add(chunk: Buffer): Iterable<void>;
    end(): Buffer;
  };
}
