import type { Database } from './database.ts';
import type { Dict } from './dict.ts';
import type { Value } from './value.ts';

/**
 * Takes one entry as it was when the snapshot began. The value is live: it must be serialized before this returns. No object is
 * made for an entry: millions of them would have the garbage collector stop everybody, again and again.
 */
export type EmitEntry = (db: number, key: string, value: Value, expireAtMs: number | undefined) => void;

/** By how many bits of a position its range is known: 32 ranges at least, and 16 million at most. */
const DEPTH_MIN = 5;
const DEPTH_MAX = 24;

interface FrozenDatabase {
  readonly entries: Dict<Value>;
  /** The scan position up to which all entries have been emitted; Infinity at the end. */
  cursor: number;
  /** The parts of the scan order beyond the cursor that were emitted, because something in them was about to change. */
  readonly captured: Ranges;
  readonly emitEntry: (value: Value, key: string, position: number) => void;
}

/**
 * Equal ranges of the scan order, about one for each entry, and which of them are marked. Among keys by themselves it would take
 * longer to look a key up than to write it, and a set of many grows in long steps.
 */
class Ranges {
  /** How many of a position's last bits its range leaves open. */
  readonly shift: number;
  private readonly bits: Uint32Array;

  constructor(entries: number) {
    const depth = Math.min(DEPTH_MAX, Math.max(DEPTH_MIN, 32 - Math.clz32(entries)));
    this.shift = 32 - depth;
    this.bits = new Uint32Array(2 ** (depth - 5));
  }

  has(position: number): boolean {
    const range = position >>> this.shift;
    return (this.bits[range >>> 5]! & (1 << (range & 31))) !== 0;
  }

  add(position: number): void {
    const range = position >>> this.shift;
    this.bits[range >>> 5]! |= 1 << (range & 31);
  }
}

/** What a snapshot needs of a node. */
export interface SnapshotSource {
  readonly databases: readonly (Database | undefined)[];
  snapshot: { capture(db: Database, key: string): void } | undefined;
}

/**
 * A node's whole keyspace as it was at one instant, while writes go on and without a fork. Entries are emitted a few at a
 * time by `step`; an entry that is about to change before its turn is emitted first, as it still is, and so are one or two
 * that lie beside it.
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
    const one: FrozenDatabase = {
      entries,
      cursor: 0,
      captured: new Ranges(entries.size),
      emitEntry(value, key, position) {
        if (position >= one.cursor) emit(index, key, value, expires.size === 0 ? undefined : expires.get(key));
      },
    };
    frozen.push(one);
    byEntries.set(entries, one);
    entryCount += entries.size;
  }
  const hook = {
    capture(db: Database, key: string): void {
      const one = byEntries.get(db.entries);
      if (one === undefined) return;
      const { entries, cursor, captured, emitEntry } = one;
      const { shift } = captured;
      const position = entries.position(key);
      if (position < cursor || captured.has(position)) return;
      captured.add(position);
      entries.visitRange(((position >>> shift) << shift) >>> 0, shift, emitEntry);
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
    const { captured, entries, emitEntry } = one;
    const next = entries.visitPart(one.cursor, (value, key, position) => {
      if (!captured.has(position)) emitEntry(value, key, position);
    });
    one.cursor = next === 0 ? Infinity : next;
    if (next === 0) current++;
    return false;
  };
  return { entryCount, step, cancel: end };
}
