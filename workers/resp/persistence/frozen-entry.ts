import type { Frozen } from '../keyspace/frozen.ts';
import type { Value } from '../keyspace/value.ts';
import type { KeyspaceDigest, LargeDigest } from './digest.ts';
import type { OpenCollection, SnapshotKeys } from './snapshot-form.ts';

/** An entry of a snapshot whose value is so large that it has to wait for its turn. */
export interface LargeEntry {
  readonly db: number;
  readonly key: string;
  readonly value: Value;
  readonly expireAtMs: number | undefined;
}

/** A large value of a snapshot, written part by part, as it was at the snapshot's instant, while it changes. */
export interface FrozenEntry {
  readonly key: string;
  readonly keys: SnapshotKeys;
  /** Writes the next part; false when all is written. */
  step(): boolean;
  /** Lets go of the value before its end. */
  end(): void;
}

/**
 * Freezes the value of an entry; undefined when it is so small that it has to be written in one go: sets of up to 128 members,
 * sorted sets as long as they are compact.
 */
export function freezeEntry(
  entry: LargeEntry,
  keys: SnapshotKeys,
  digest: KeyspaceDigest | undefined,
): FrozenEntry | undefined {
  const still = standingStill(entry.value);
  return still === undefined ? freezeParts(entry, keys, digest) : freezeWhole(entry, still, keys, digest);
}

/** A value that does not change, however the one it was made of does. */
interface Still {
  readonly value: Value;
  readonly thaw?: () => void;
}

/** A value that can be had as it is now at once; undefined for those of many parts. */
function standingStill(value: Value): Still | undefined {
  if (typeof value === 'string') return { value };
  if (value.kind === 'string' || value.kind === 'stream') return { value: value.freeze(), thaw: () => value.thaw() };
  const compact = value.kind === 'hash' ? value.asCompact() : undefined;
  return compact === undefined ? undefined : { value: compact };
}

function freezeWhole(
  { db, key, expireAtMs }: LargeEntry,
  { value, thaw }: Still,
  keys: SnapshotKeys,
  digest: KeyspaceDigest | undefined,
): FrozenEntry {
  function* write(): Generator<void> {
    yield* keys.entrySliced(db, key, value, expireAtMs);
    if (digest !== undefined) yield* digest.addSliced(db, key, value, expireAtMs);
  }
  const steps = write();
  return {
    key,
    keys,
    step() {
      if (steps.next().done !== true) return true;
      thaw?.();
      return false;
    },
    end: () => thaw?.(),
  };
}

function freezeParts(
  { db, key, value, expireAtMs }: LargeEntry,
  keys: SnapshotKeys,
  digest: KeyspaceDigest | undefined,
): FrozenEntry | undefined {
  if (typeof value === 'string' || value.kind === 'string' || value.kind === 'stream') return undefined;
  let sum: LargeDigest | undefined;
  let parts: OpenCollection | undefined;
  const emit = (element: string, second?: string | number): void => {
    parts?.add(element, second);
    sum?.add(element, second);
  };
  const emitOne = (element: string): void => emit(element);
  const frozen: Frozen | undefined =
    value.kind === 'set' || value.kind === 'list' ? value.freeze(emitOne) : value.freeze(emit);
  if (frozen === undefined) return undefined;
  sum = digest?.open(db, key, value, expireAtMs);
  const opened = keys.open(db, key, value, expireAtMs);
  parts = opened;
  return {
    key,
    keys,
    step() {
      if (frozen.step()) return true;
      opened.end();
      sum?.end();
      return false;
    },
    end: () => frozen.end(),
  };
}
