import type { Base } from './bases.ts';
import { KIND } from './record.ts';
import type { NodeRecord } from './record.ts';

/** What the log and the bases hold of one node. */
export interface NodeHistory {
  readonly id: string;
  /** The highest epoch seen; records of a lower one after it come from a writer that had lost the node, and are ignored. */
  epoch: number;
  /** The number of its last record; without gaps, so that a missing record is noticed. */
  sequence: number;
  base: Base | undefined;
  /** Its records before this position do not count; undefined while its history has not begun (it is empty). */
  from: number | undefined;
  /** The bytes of its records that count. Segments from `from` on are needed while there are any. */
  bytes: number;
  /** Set while a `replace` record has named a base that is not in its place yet. */
  replacing: { readonly name: string; readonly end: number } | undefined;
  /** Why it can't be recovered; only a restore or a drop gets it out of that. */
  failure: string | undefined;
}

export function newHistory(id: string): NodeHistory {
  return {
    id,
    epoch: 0,
    sequence: 0,
    base: undefined,
    from: undefined,
    bytes: 0,
    replacing: undefined,
    failure: undefined,
  };
}

/** The first position of the log that a node still needs, or Infinity. */
export function pinOf(history: NodeHistory): number {
  if (history.replacing !== undefined || history.bytes > 0) return history.from ?? 0;
  return Infinity;
}

/** Whether there is anything to recover. */
export function hasData(history: NodeHistory): boolean {
  return (
    history.base !== undefined || history.bytes > 0 || history.replacing !== undefined || history.failure !== undefined
  );
}

/** Adds a record found in the log to a node's history; false when it is of a lapsed epoch and ignored. */
export function addRecord(history: NodeHistory, record: NodeRecord, firstSeen: boolean): boolean {
  if (record.epoch < history.epoch) return false;
  const covered = history.base !== undefined && record.position < history.base.position;
  const gap = !firstSeen && record.sequence !== history.sequence + 1;
  history.epoch = record.epoch;
  history.sequence = record.sequence;
  if (covered) return true;
  const size = record.end - record.position;
  if (record.kind === KIND.empty || record.kind === KIND.replace) {
    history.failure = undefined;
    history.base = undefined;
    history.from = record.position;
    history.bytes = record.kind === KIND.replace ? size : 0;
    history.replacing =
      record.kind === KIND.replace ? { name: record.payload.toString('latin1'), end: record.end } : undefined;
    return true;
  }
  history.bytes += size;
  if (history.from === undefined) history.failure ??= `its records before position ${record.position} are missing`;
  else if (gap) history.failure ??= `records before position ${record.position} are missing`;
  return true;
}
