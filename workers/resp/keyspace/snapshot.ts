import type { Database } from './database.ts';
import type { Dict } from './dict.ts';
import type { Value } from './value.ts';

/** One entry as it was when the snapshot began. The value is live: it must be serialized before `emit` returns. */
export interface SnapshotEntry {
  readonly db: number;
  readonly key: string;
  readonly value: Value;
  readonly expireAtMs: number | undefined;
}

interface FrozenDatabase {
  readonly index: number;
  readonly entries: Dict<Value>;
  readonly expires: Dict<number>;
  /** The scan position up to which all entries have been emitted; Infinity at the end. */
  cursor: number;
  /** Keys beyond the cursor that were emitted, or came into being, since the snapshot began. */
  readonly captured: Set<string>;
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
export function beginSnapshot(node: SnapshotSource, emit: (entry: SnapshotEntry) => void): NodeSnapshot {
  if (node.snapshot !== undefined) throw new Error('A snapshot of this node is already running; wait for its end.');
  const frozen: FrozenDatabase[] = [];
  const byEntries = new Map<Dict<Value>, FrozenDatabase>();
  let entryCount = 0;
  for (const db of node.databases) {
    if (db === undefined || db.size === 0) continue;
    const { index, entries, expires } = db;
    const one = { index, entries, expires, cursor: 0, captured: new Set<string>() };
    frozen.push(one);
    byEntries.set(entries, one);
    entryCount += entries.size;
  }
  const hook = {
    capture(db: Database, key: string): void {
      const one = byEntries.get(db.entries);
      if (one === undefined || one.captured.has(key) || one.entries.position(key) < one.cursor) return;
      one.captured.add(key);
      const value = one.entries.get(key);
      if (value !== undefined) emit({ db: one.index, key, value, expireAtMs: one.expires.get(key) });
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
    const { captured, entries, expires, index } = one;
    const next = entries.visitPart(one.cursor, (value, key) => {
      if (captured.size > 0 && captured.has(key)) return;
      emit({ db: index, key, value, expireAtMs: expires.size === 0 ? undefined : expires.get(key) });
    });
    one.cursor = next === 0 ? Infinity : next;
    if (next === 0) current++;
    return false;
  };
  return { entryCount, step, cancel: end };
}
