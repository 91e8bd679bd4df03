import type { Database } from './database.ts';
import type { Dict } from './dict.ts';
import type { Value } from './value.ts';

/**
 * Takes one entry as it was when the snapshot began. The value is live: it must be serialized before this returns. No object is
 * made for an entry: millions of them would have the garbage collector stop everybody, again and again.
 */
export type EmitEntry = (db: number, key: string, value: Value, expireAtMs: number | undefined) => void;

interface FrozenDatabase {
  readonly index: number;
  readonly entries: Dict<Value>;
  readonly expires: Dict<number>;
  /** The scan position up to which all entries have been emitted; Infinity at the end. */
  cursor: number;
  /** Keys beyond the cursor that were emitted, or came into being, since the snapshot began. */
  readonly captured: Set<string>;
  /**
   * Where these lie in the scan order, as small integers. To look a key up among strings, V8 reads and hashes all of it, which takes
   * longer than writing it: for nearly all keys a look at this set suffices.
   */
  readonly positions: Set<number>;
}

/** What a snapshot needs of a node. */
export interface SnapshotSource {
  readonly databases: readonly (Database | undefined)[];
  snapshot: { capture(db: Database, key: string): void } | undefined;
}

/**
 * A node's whole keyspace as it was at one instant, while writes go on and without a fork. Entries are emitted a few at a
 * time by `step`; an entry that is about to change before its turn is emitted first, as it still is.
 */
export interface NodeSnapshot {
  /** How many entries there were at the instant. */
  readonly entryCount: number;
  /** Emits a few entries and says whether all have been emitted (then the snapshot has ended by itself). */
  step(): boolean;
  /** Ends the snapshot early. */
  cancel(): void;
}

/** Begins a snapshot of a node; one node has at most one at a time (an error otherwise). */
export function beginSnapshot(node: SnapshotSource, emit: EmitEntry): NodeSnapshot {
  if (node.snapshot !== undefined) throw new Error('A snapshot of this node is already running; wait for its end.');
  const frozen: FrozenDatabase[] = [];
  const byEntries = new Map<Dict<Value>, FrozenDatabase>();
  let entryCount = 0;
  for (const db of node.databases) {
    if (db === undefined || db.size === 0) continue;
    const { index, entries, expires } = db;
    const one = { index, entries, expires, cursor: 0, captured: new Set<string>(), positions: new Set<number>() };
    frozen.push(one);
    byEntries.set(entries, one);
    entryCount += entries.size;
  }
  const hook = {
    capture(db: Database, key: string): void {
      const one = byEntries.get(db.entries);
      if (one === undefined) return;
      const { index, entries, expires, cursor, captured, positions } = one;
      const position = entries.position(key);
      if (position < cursor || captured.has(key)) return;
      captured.add(key);
      positions.add(position | 0);
      const value = entries.get(key);
      if (value !== undefined) emit(index, key, value, expires.get(key));
    },
  };
  node.snapshot = hook;
  const end = (): void => {
    if (node.snapshot === hook) node.snapshot = undefined;
  };
  let current = 0;
  const step = (): boolean => {
    const one = frozen[current];
    if (one === undefined) {
      end();
      return true;
    }
    const { captured, positions, entries, expires, index } = one;
    const next = entries.visitPart(one.cursor, (value, key, position) => {
      if (positions.size > 0 && positions.has(position | 0) && captured.has(key)) return;
      emit(index, key, value, expires.size === 0 ? undefined : expires.get(key));
    });
    one.cursor = next === 0 ? Infinity : next;
    if (next === 0) current++;
    return false;
  };
  return { entryCount, step, cancel: end };
}
