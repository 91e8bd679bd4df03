import { atOnce } from '../keyspace/steps.ts';
import { serveReady } from '../clients/blocking.ts';
import type { Client } from '../clients/server.ts';
import { inTurn, shareLeft } from '../clients/turns.ts';

/** What a command does that walks much: at each `yield` others may have their turn, while all else of its node waits. */
export type Walk = Generator<void, void>;

/** Elements up to which a collection is walked at once, and from one `yield` to the next. */
export const WINDOW = 256;

/** Walks places 0 to `size` in windows, `end` excluded. Undefined when it was done at once. */
export function inWindows(size: number, visit: (start: number, end: number) => void): Walk | undefined {
  if (size > WINDOW) return windows(size, visit);
  if (size > 0) visit(0, size);
  return undefined;
}

/** The same, as a part of a longer walk. */
export function* windows(size: number, visit: (start: number, end: number) => void): Walk {
  for (let start = 0; start < size; start += WINDOW) {
    visit(start, Math.min(size, start + WINDOW));
    yield;
  }
}

/** Goes through things one by one, as a part of a longer walk, until `visit` returns false. */
export function* each<T>(items: Iterable<T>, visit: (item: T) => boolean | void): Walk {
  let left = WINDOW;
  for (const item of items) {
    if (visit(item) === false) return;
    if (--left > 0) continue;
    left = WINDOW;
    yield;
  }
}

/** Goes through a request's arguments from `first` on, in windows, and ends with `end`; undefined when they were few, and it was done at once. */
export function overArguments(
  args: readonly string[],
  first: number,
  visit: (from: number, to: number) => void,
  end: () => void,
): Walk | undefined {
  if (args.length - first > WINDOW) return walkArguments(args, first, visit, end);
  visit(first, args.length);
  end();
  return undefined;
}

/** The same for more arguments than few, without looking how many there are: a hot command makes no closures for few. */
export function* walkArguments(
  args: readonly string[],
  first: number,
  visit: (from: number, to: number) => void,
  end: () => void,
): Walk {
  yield* windows(args.length - first, (from, to) => visit(first + from, first + to));
  end();
}

/** A walk over so many elements; undefined when they are few, and it was done at once. */
export function asNeeded(size: number, walk: Walk): Walk | undefined {
  if (size > WINDOW) return walk;
  atOnce(walk);
  return undefined;
}

/** Walks with a cursor: `scan` goes on from one with about so many elements, and returns the next, 0 at the end. */
export function* byCursor(scan: (cursor: number, count: number) => number): Walk {
  let cursor = 0;
  do {
    cursor = scan(cursor, WINDOW);
    yield;
  } while (cursor !== 0);
}

/** Replies with texts one after another. */
export function bulksInSteps(reply: { bulk(text: string): void }, texts: readonly string[]): Walk {
  return windows(texts.length, (from, to) => {
    for (let i = from; i < to; i++) reply.bulk(texts[i]!);
  });
}

/** Sorts as `Array.sort` does, by merging; the array that is given may be overwritten. */
export function* sortInSteps<T>(items: T[], compare: (a: T, b: T) => number): Generator<void, T[]> {
  const { length } = items;
  let [from, to] = [items, items.slice()];
  for (let start = 0; start < length; start += WINDOW) {
    const run = from.slice(start, start + WINDOW).sort(compare);
    for (let i = 0; i < run.length; i++) from[start + i] = run[i]!;
    yield;
  }
  for (let width = WINDOW; width < length; width *= 2) {
    for (let start = 0; start < length; start += 2 * width) yield* merge(from, to, start, width, compare);
    [from, to] = [to, from];
  }
  return from;
}

/** Merges the sorted runs of `width` items that begin at `start` and after it. */
function* merge<T>(
  from: readonly T[],
  to: T[],
  start: number,
  width: number,
  compare: (a: T, b: T) => number,
): Generator<void> {
  const middle = Math.min(start + width, from.length);
  const end = Math.min(middle + width, from.length);
  let [left, right] = [start, middle];
  for (let at = start; at < end; at++) {
    const takesLeft = left < middle && (right >= end || compare(from[left]!, from[right]!) <= 0);
    to[at] = takesLeft ? from[left++]! : from[right++]!;
    if (at % WINDOW === 0) yield;
  }
}

/**
 * Carries a walk out: at once if it is short or its caller can't wait, else in slices, with the client's reply pending. True
 * when it has ended; otherwise `ended` is called when it has, with when it had begun if it had not been interrupted.
 */
export function carryOut(client: Client, walk: Walk, ended: (beganMs: number) => void): boolean {
  const { server, node } = client;
  if (node.replaying) {
    atOnce(walk);
    return true;
  }
  const beganMs = performance.now();
  if (goOn(client, walk)) return true;
  let beforeMs = performance.now() - beganMs;
  // Whether it has said that its effects are others than itself, which holds until its end; whoever runs it has effects of its own.
  let { rewritten } = node;
  node.rewritten = true;
  node.busy = true;
  client.reply.beginLong();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  client.pending = promise;
  const slice = (): void => {
    const startMs = performance.now();
    try {
      // What is walked is not there any more.
      const over = node.closed;
      if (!over) node.rewritten = rewritten;
      if (!over && !goOn(client, walk)) {
        ({ rewritten } = node);
        const tookMs = performance.now() - startMs;
        beforeMs += tookMs;
        server.spentMs += tookMs;
        inTurn(server, slice);
        return;
      }
      client.reply.endLong();
      if (!over) ended(startMs - beforeMs);
    } catch (error) {
      server.host.onFault?.(node, client.lastCommand, error);
      client.transport?.destroy();
      if (server.host.onFault === undefined) reject(error);
    }
    server.spentMs += performance.now() - startMs;
    // A transaction goes on by itself.
    if (!client.executing) {
      node.flushEffects();
      node.endWork();
      serveReady(server);
    }
    resolve();
  };
  inTurn(server, slice);
  return false;
}

/** The steps of a walk for a caller that takes them itself; `ended` is called as `carryOut` calls it. */
export function* takenBy({ node, reply }: Client, walk: Walk, ended: (beganMs: number) => void): Walk {
  let beforeMs = 0;
  let rewritten = false;
  for (;;) {
    const startMs = performance.now();
    node.rewritten = rewritten;
    if (walk.next().done === true) return ended(startMs - beforeMs);
    ({ rewritten } = node);
    reply.cut();
    beforeMs += performance.now() - startMs;
    yield;
  }
}

/** Takes steps until the node's share of this turn is used up; true at the end of the walk. */
function goOn({ server, reply }: Client, walk: Walk): boolean {
  const endsMs = performance.now() + Math.max(shareLeft(server), 0.05);
  do {
    if (walk.next().done === true) return true;
    // What is added bit by bit would be made flat all at once when it is sent.
    reply.cut();
  } while (performance.now() < endsMs);
  return false;
}
