import { largeTexts } from '../keyspace/large-text.ts';
import { noteLargeTexts } from './rate.ts';
import type { Server } from './server.ts';

/** How long one node keeps the event loop before others have their turn: when others are at work too, and when none is. */
const SHARE_MS = 0.1;
const SHARE_ALONE_MS = 2;
/** How long after others were at work a node counts as alone. */
const ALONE_AFTER_MS = 2000;
/** How long nodes that have more to do than their share keep the event loop together, before it is looked who else came. */
const ROUND_MS = 0.2;

/** Nodes that have more to do than their share, in the order of their turns. */
const queue: Server[] = [];
let scheduled = false;
let latest: Server | undefined;
let shared = false;
let sharedAtMs = 0;
let workedAtMs = 0;

/** Notes that a node is at work; `nowMs` is the stopwatch's time. */
export function noteWork(server: Server, nowMs: number): void {
  workedAtMs = nowMs;
  if (server !== latest) {
    latest = server;
    sharedAtMs = nowMs;
    shared = true;
  } else if (shared && nowMs - sharedAtMs > ALONE_AFTER_MS) shared = false;
}

/** What a node may take from now on, in milliseconds. */
export function shareLeft(server: Server): number {
  return shared ? SHARE_MS - server.spentMs : SHARE_ALONE_MS;
}

/** When a node was at work last, by the stopwatch. */
export function lastWorkMs(): number {
  return workedAtMs;
}

/** Whether more than one node was at work of late. */
export function othersAtWork(): boolean {
  return shared;
}

/** Whether the node has had its share, or some of its tasks wait for the next turn already. */
export function mustWait(server: Server): boolean {
  return server.tasks !== undefined || (shared && server.spentMs >= SHARE_MS);
}

/** Carries a task of a node out when the others have had their turn; tasks of one node keep their order. */
export function inTurn(server: Server, task: () => void): void {
  if (server.tasks === undefined) {
    server.tasks = [];
    queue.push(server);
  }
  server.tasks.push(task);
  if (scheduled) return;
  scheduled = true;
  setImmediate(round);
}

/** One turn for each node that waits, as far as time allows; who else came is served before the next round. */
function round(): void {
  const endsMs = performance.now() + ROUND_MS;
  for (let left = queue.length; left > 0; left--) {
    takeTurn(queue.shift()!);
    if (performance.now() >= endsMs) break;
  }
  if (queue.length > 0) setImmediate(round);
  else scheduled = false;
}

function takeTurn(server: Server): void {
  const tasks = server.tasks!;
  server.spentMs = 0;
  const shareMs = shared ? SHARE_MS : SHARE_ALONE_MS;
  while (tasks.length > 0 && server.spentMs < shareMs) tasks.shift()!();
  // Or whoever is served next would pay for them.
  if (largeTexts.bytes > 0) noteLargeTexts(server, performance.now());
  if (tasks.length > 0) queue.push(server);
  else server.tasks = undefined;
}
