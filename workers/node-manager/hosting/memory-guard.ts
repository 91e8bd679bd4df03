import { getHeapStatistics } from 'node:v8';

import type { Logger } from '#infra/logging/log.ts';
import type { Engine } from '#workers/resp/engine-api.ts';

/** So often the memory of all nodes together is looked at; between two looks, what they may add is bounded by the heap's reserve. */
const period_ms = 100;
/** Room that must be there again before nodes may grow again, so that the guard does not flutter. */
const easedAt = 0.95;
/** The collector needs some of the heap to work with. */
const heapShare = 0.9;
/** A change smaller than this is not worth telling. */
const toldBytes = 2 ** 20;
/** Asking thousands of nodes takes milliseconds, which an idle process should not spend: where its heap is as it was, only every so many looks. */
const restingLooks = 20;

/** Watches what an engine's nodes hold together. */
export interface MemoryGuard {
  /** What other processes hold of the same budget. */
  othersUse(bytes: number): void;
  stop(): void;
}

interface MemoryGuardOptions {
  readonly engine: Pick<Engine, 'setFull'>;
  readonly usedBytes: () => number;
  /** What this and the other processes may hold together. */
  readonly budgetBytes: number;
  readonly log: Logger;
  /** Told what the nodes here hold whenever that has changed by much. */
  readonly tell: (usedBytes: number) => void;
}

/**
 * Nodes may be promised more than the machine has, since most never use it. If they do, all of them are told so with
 * Redis's OOM error when they want to grow, instead of one tenant's data ending the process for everybody.
 */
export function guardMemory({ engine, usedBytes, budgetBytes, log, tell }: MemoryGuardOptions): MemoryGuard {
  let full = false;
  let others = 0;
  let told = 0;
  let used = 0;
  /** The heap when the nodes were last asked, and how many looks ago that was. */
  let heapThen_bytes = -Infinity;
  let looks = 0;
  const look = () => {
    const heap = getHeapStatistics();
    const heap_bytes = heap.used_heap_size + heap.external_memory;
    looks += 1;
    if (full || looks >= restingLooks || Math.abs(heap_bytes - heapThen_bytes) >= toldBytes) {
      used = usedBytes();
      heapThen_bytes = heap_bytes;
      looks = 0;
    }
    if (Math.abs(used - told) >= toldBytes) tell((told = used));
    const share = Math.max((used + others) / budgetBytes, heap.used_heap_size / (heap.heap_size_limit * heapShare));
    const now = full ? share > easedAt : share > 1;
    if (now === full) return;
    full = now;
    engine.setFull(full);
    const facts = { usedBytes: used, othersBytes: others, budgetBytes, heapBytes: heap.used_heap_size };
    if (full) log.warn(facts, 'the nodes together are at the memory budget: they may not grow');
    else log.info(facts, 'there is room again: nodes may grow');
  };
  const timer = setInterval(look, period_ms).unref();
  return {
    othersUse: (bytes) => void (others = bytes),
    stop: () => clearInterval(timer),
  };
}
