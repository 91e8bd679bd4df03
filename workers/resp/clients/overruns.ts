import { othersAtWork } from './turns.ts';

/** A run of the event loop that takes a node longer than this, while others are at work, is paid for. */
export const OVERRUN_MS = 1;
/** The part of the time that may go to such runs: what is at work for others finds the event loop free in all but this. */
const PART = 1 / 200;
/** What a node may take of them before it has to wait, in milliseconds. */
const CREDIT_MS = 20;
/** A node that has had no such run for so long is not looked at any more. */
const FORGOTTEN_MS = 10_000;

/** What a node has taken in runs that could not be divided. */
export interface Overruns {
  creditMs: number;
  /** When the credit was last reckoned, and the latest of the runs, by the stopwatch. */
  atMs: number;
  latestMs: number;
  /** The thread's processor time when the run under way began. */
  cpuAtMs: number;
}

/** The server side of a node. */
interface Indebted {
  overruns: Overruns | undefined;
}

/**
 * Begins a run of a node that has had a long one lately; returns how many milliseconds it has to wait before, 0 when it may run.
 */
export function restLeft(server: Indebted, nowMs: number): number {
  const { overruns } = server;
  if (overruns === undefined) return 0;
  refill(overruns, nowMs);
  if (overruns.creditMs < 0) return Math.ceil(-overruns.creditMs / PART);
  if (nowMs - overruns.latestMs > FORGOTTEN_MS) server.overruns = undefined;
  else overruns.cpuAtMs = cpuMs();
  return 0;
}

/**
 * Takes note of a run that was longer than OVERRUN_MS. The first only makes the node one that is looked at, since the operating
 * system may have stopped the process meanwhile: after it the thread's processor time counts.
 */
export function noteOverrun(server: Indebted, nowMs: number): void {
  if (!othersAtWork()) return;
  const { overruns } = server;
  if (overruns === undefined) {
    server.overruns = { creditMs: CREDIT_MS, atMs: nowMs, latestMs: nowMs, cpuAtMs: cpuMs() };
    return;
  }
  const tookMs = cpuMs() - overruns.cpuAtMs;
  if (tookMs < OVERRUN_MS) return;
  refill(overruns, nowMs);
  overruns.creditMs -= tookMs;
  overruns.latestMs = nowMs;
}

function refill(overruns: Overruns, nowMs: number): void {
  overruns.creditMs = Math.min(CREDIT_MS, overruns.creditMs + (nowMs - overruns.atMs) * PART);
  overruns.atMs = nowMs;
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
