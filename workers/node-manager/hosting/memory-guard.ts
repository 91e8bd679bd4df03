import { getHeapStatistics } from 'node:v8';

import type { Logger } from '#infra/logging/log.ts';
import type { Engine } from '#workers/resp/engine-api.ts';

/** So often the memory of all nodes together is looked at; between two looks, what they may add is bounded by the heap's reserve. */
const period_ms = 100;
/** Room that must be there again before nodes may grow again, so that the guard does not flutter. */
const easedAt = 0.95;
/** The collector needs some of the heap to work with. */
const heapShare = 0.9;

/**
 * Nodes may be promised more than the process has, since most never use it. If they do, all of them are told so with
 * Redis's OOM error when they want to grow, instead of one tenant's data ending the process for everybody. Returns how to stop.
 */
export function guardMemory(
  engine: Pick<Engine, 'setFull'>,
  usedBytes: () => number,
  budgetBytes: number,
  log: Logger,
): () => void {
  let full = false;
  const look = () => {
    const used = usedBytes();
    const heap = getHeapStatistics();
    const share = Math.max(used / budgetBytes, heap.used_heap_size / (heap.heap_size_limit * heapShare));
    const now = full ? share > easedAt : share > 1;
    if (now === full) return;
    full = now;
    engine.setFull(full);
    const facts = { usedBytes: used, budgetBytes, heapBytes: heap.used_heap_size };
    if (full) log.warn(facts, 'the nodes together are at the memory budget: they may not grow');
    else log.info(facts, 'there is room again: nodes may grow');
  };
  const timer = setInterval(look, period_ms).unref();
  return () => clearInterval(timer);
}
