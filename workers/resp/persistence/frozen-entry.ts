import type { Frozen } from '../keyspace/frozen.ts';
import type { SnapshotEntry } from '../keyspace/snapshot.ts';
import type { KeyspaceDigest, LargeDigest } from './digest.ts';
import { elementsOf } from './rdb/write-value.ts';
import { RdbKeys } from './rdb/write.ts';

/** A large collection of a snapshot, written part by part, as it was at the snapshot's instant, while it changes. */
export interface FrozenEntry {
  readonly key: string;
  readonly keys: RdbKeys;
  /** Writes the next part; false when all is written. */
  step(): boolean;
  /** Lets go of the collection before its end. */
  end(): void;
}

/** Freezes the value of an entry; undefined when it is of a kind, or so compact, that it has to be written in one go. */
export function freezeEntry(entry: SnapshotEntry, digest: KeyspaceDigest | undefined): FrozenEntry | undefined {
  const { db, key, value, expireAtMs } = entry;
  if (typeof value === 'string' || value.kind === 'string' || value.kind === 'stream') return undefined;
  const keys = new RdbKeys();
  const { out } = keys;
  let sum: LargeDigest | undefined;
  const emit = (element: string, second?: string | number): void => {
    out.string(element);
    if (typeof second === 'number') out.double(second);
    else if (second !== undefined) out.string(second);
    sum?.add(element, second);
  };
  const emitOne = (element: string): void => emit(element);
  const frozen: Frozen | undefined =
    value.kind === 'set' || value.kind === 'list' ? value.freeze(emitOne) : value.freeze(emit);
  if (frozen === undefined) return undefined;
  sum = digest?.open(db, key, value, expireAtMs);
  keys.entryHead(db, key, value, expireAtMs);
  out.size(elementsOf(value));
  return {
    key,
    keys,
    step() {
      if (frozen.step()) return true;
      sum?.end();
      return false;
    },
    end: () => frozen.end(),
  };
}
