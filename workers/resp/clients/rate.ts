import { largeTexts } from '../keyspace/large-text.ts';
import type { Node } from '../keyspace/node.ts';

/** What a node may do in a second; 0 means no limit. */
export interface RateLimits {
  readonly commandsPerSecond: number;
  /** Read and written together. */
  readonly bytesPerSecond: number;
}

/** What a node has left: it gathers up to a second's worth, and what it overdraws is waited for. */
export interface Allowance {
  commands: number;
  bytes: number;
  atMs: number;
  seenCommands: number;
  seenBytes: number;
}

/** The server side of a node. */
interface Limited {
  readonly node: Node;
  allowance: Allowance | undefined;
}

/**
 * How many milliseconds a node has to wait until it may go on; 0 when it may now. What it did is read off its counters, so
 * that nobody has to count for this.
 */
export function overdrawnMs(server: Limited, limits: RateLimits, nowMs: number): number {
  const { node } = server;
  const doneBytes = node.netInputBytes + node.netOutputBytes;
  const allowance = (server.allowance ??= {
    commands: limits.commandsPerSecond,
    bytes: limits.bytesPerSecond,
    atMs: nowMs,
    seenCommands: node.commandsProcessed,
    seenBytes: doneBytes,
  });
  const seconds = (nowMs - allowance.atMs) / 1000;
  // CONFIG RESETSTAT sets counters back.
  const commands = Math.max(0, node.commandsProcessed - allowance.seenCommands);
  const bytes = Math.max(0, doneBytes - allowance.seenBytes);
  allowance.commands = refill(allowance.commands - commands, limits.commandsPerSecond, seconds);
  allowance.bytes = refill(allowance.bytes - bytes, limits.bytesPerSecond, seconds);
  allowance.atMs = nowMs;
  allowance.seenCommands = node.commandsProcessed;
  allowance.seenBytes = doneBytes;
  return Math.max(
    waitFor(allowance.commands, limits.commandsPerSecond),
    waitFor(allowance.bytes, limits.bytesPerSecond),
  );
}

function refill(left: number, perSecond: number, seconds: number): number {
  return Math.min(perSecond, left + seconds * perSecond);
}

function waitFor(left: number, perSecond: number): number {
  return perSecond === 0 || left > 0 ? 0 : Math.ceil(((1 - left) / perSecond) * 1000);
}

/**
 * Bytes of large texts that a node may make in a second while others are at work, whatever its limits: V8 stops for all of them
 * alike, so this is about how often that happens. Of values in chunks it is 16 times as much.
 */
const LARGE_TEXTS_PER_SECOND = 8_388_608;

/** What a node has left of large texts; less than nothing is waited for. */
interface MakesLargeTexts {
  largeTextsLeft: number;
  largeTextsAtMs: number;
}

/** Takes account of the large texts that a node has just made. */
export function noteLargeTexts(server: MakesLargeTexts, nowMs: number): void {
  refillLargeTexts(server, nowMs);
  server.largeTextsLeft -= largeTexts.bytes;
  largeTexts.bytes = 0;
}

/** How many milliseconds a node that has made too many large texts has to wait while others are at work. */
export function largeTextsWaitMs(server: MakesLargeTexts, nowMs: number): number {
  refillLargeTexts(server, nowMs);
  return waitFor(server.largeTextsLeft, LARGE_TEXTS_PER_SECOND);
}

function refillLargeTexts(server: MakesLargeTexts, nowMs: number): void {
  const seconds = (nowMs - server.largeTextsAtMs) / 1000;
  const most = LARGE_TEXTS_PER_SECOND / 2;
  server.largeTextsLeft = Math.min(most, server.largeTextsLeft + seconds * LARGE_TEXTS_PER_SECOND);
  server.largeTextsAtMs = nowMs;
}
