import { open } from 'node:fs/promises';

import type { Node } from '../../keyspace/node.ts';
import { loadBase } from './bases.ts';
import { examine } from './damage.ts';
import type { NodeHistory } from './history.ts';
import { pinOf } from './history.ts';
import { effectsOf, KIND } from './record.ts';
import type { LogRecord } from './record.ts';
import { readSegment } from './segment.ts';
import type { Segment } from './segment.ts';

/** Applies an effect to a node: no journaling, no expiry, no limits. Throws when the effect is refused. */
export type Apply = (node: Node, db: number, args: readonly string[]) => void;

/** A node that is being recovered. */
export interface ReplayTarget {
  readonly history: NodeHistory;
  /** Detached, and empty. */
  readonly node: Node;
  /** Effects applied so far. */
  effects: number;
  /** Why it can't be recovered; it is empty then. */
  failure: string | undefined;
}

/** How many bases are read at the same time. */
const BASES_AT_ONCE = 8;

/** Brings nodes to the state the log holds of them: their bases, then in one pass over the log their effects in order. */
export async function replay(
  segments: readonly Segment[],
  until: number,
  targets: readonly ReplayTarget[],
  apply: Apply,
): Promise<void> {
  for (const target of targets) target.node.replaying = true;
  const queue = targets.filter(({ history }) => history.base !== undefined);
  const loaders = Array.from({ length: BASES_AT_ONCE }, async () => {
    for (let target = queue.shift(); target !== undefined; target = queue.shift()) await load(target);
  });
  await Promise.all(loaders);
  const running = targets.filter(({ failure, history }) => failure === undefined && pinOf(history) < until);
  if (running.length > 0) await replayLog(segments, until, running, apply);
  for (const target of targets) {
    target.node.replaying = false;
    if (target.failure === undefined) continue;
    target.node.databases.forEach((db) => db?.clear());
    target.node.aclUsers = undefined;
    target.node.libraries = undefined;
  }
}

async function load(target: ReplayTarget): Promise<void> {
  try {
    await loadBase(target.history.base!, target.node);
  } catch (error) {
    target.failure = error instanceof Error ? error.message : String(error);
  }
}

async function replayLog(
  segments: readonly Segment[],
  until: number,
  targets: readonly ReplayTarget[],
  apply: Apply,
): Promise<void> {
  const byId = new Map(targets.map((target) => [target.history.id, { target, epoch: 0 }]));
  const from = Math.min(...targets.map(({ history }) => pinOf(history)));
  const visit = (record: LogRecord): void => {
    if (record.kind !== KIND.effects) return;
    const one = byId.get(record.node);
    if (one === undefined || record.epoch < one.epoch || record.position < one.target.history.from!) return;
    one.epoch = record.epoch;
    const { target } = one;
    if (target.failure !== undefined) return;
    try {
      for (const { db, args } of effectsOf(record)) {
        apply(target.node, db, args);
        target.effects++;
        // Nothing may expire before the end either, and the engine ends its own replay with each effect.
        target.node.replaying = true;
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      target.failure = `the record at position ${record.position} of the log can't be applied: ${reason}`;
    }
  };
  // A copy: segments come and go while this one is read.
  const all = [...segments];
  for (const [index, segment] of all.entries()) {
    const end = Math.min(until, all[index + 1]?.start ?? until);
    if (end > from && segment.start < end) await replaySegment(segment, Math.max(from, segment.start), end, visit);
  }
}

/** Damaged places are passed over: the nodes that they may have hit were found out before. */
async function replaySegment(
  segment: Segment,
  from: number,
  end: number,
  visit: (record: LogRecord) => void,
): Promise<void> {
  const handle = await open(segment.file, 'r');
  try {
    let position: number | undefined = from;
    while (position !== undefined && position < end) {
      position = await readSegment(handle, segment, position, end, visit);
      if (position < end) ({ resume: position } = await examine(handle, segment, position));
    }
  } finally {
    await handle.close();
  }
}
