import { getHeapStatistics } from 'node:v8';

/** How often the process is looked at. */
const LOOK_MS = 2000;
/** A process that computes for less of the time is idle. */
const IDLE_SHARE = 0.02;
/** It has to have been idle for so many looks in a row. */
const IDLE_LOOKS = 2;
/** So much has to have come since memory was last given back. */
const WORTH_BYTES = 12 * 2 ** 20;
/** Everybody waits while V8 goes through what is in use: 30 to 45 ms for 20 to 40 MB. This is with what is not in use any more. */
const SMALL_BYTES = 96 * 2 ** 20;

/**
 * Gives the system back, from now on, what a process does not need whenever it has little to do. A burst of nodes leaves
 * V8 with a young generation of twice `--max-semi-space-size`, the largest part of an idle process. V8 lets go of it in
 * collections meant to save memory, which the one in Node 24 does not begin in a small heap: it never takes a process for idle
 * (nodejs/node#66564). A large heap is left to V8, since everybody would have to wait for long, and to it 32 MB are little. Does
 * nothing without `--expose-gc`.
 */
export function giveBackWhenIdle(lookMs = LOOK_MS): void {
  const { gc } = globalThis;
  if (gc === undefined) return;
  let used = process.cpuUsage();
  let at = performance.now();
  let idleLooks = 0;
  /** The least the process has taken since it last gave back. */
  let least = 0;
  const look = (): void => {
    const { user, system } = process.cpuUsage(used);
    const lookedAt = performance.now();
    const share = (user + system) / 1000 / (lookedAt - at);
    [used, at] = [process.cpuUsage(), lookedAt];
    idleLooks = share < IDLE_SHARE ? idleLooks + 1 : 0;
    const taken = process.memoryUsage.rss();
    least = Math.min(least, taken);
    if (idleLooks < IDLE_LOOKS || taken - least < WORTH_BYTES) return;
    if (getHeapStatistics().used_heap_size > SMALL_BYTES) return;
    gc({ type: 'major', flavor: 'last-resort' });
    least = process.memoryUsage.rss();
  };
  setInterval(look, lookMs).unref();
}
