import type { EncodedAppend } from '../codec.ts';
import type { AppendResult } from '../event-log.ts';
import { appendBatch } from './append-batch.ts';
import type { AppendConnection } from './append-connection.ts';
import { openStayAwake } from './stay-awake.ts';
import { backOff, isTransient, unavailable } from './transient.ts';

/** A batch is full with so many appends, or so many bytes of events. */
const [batchAppends, batchBytes] = [200, 4 * 1024 * 1024];
const batchesUnderWayMax = 2;
/** So few go in one batch, though there is room for another: a batch has its price. */
const batchAppendsMin = 8;
/** How long a caller waits at most for a server that is away or does not say what became of an append. */
const patienceMs = 10_000;

interface Waiting {
  readonly append: EncodedAppend;
  /** Its command, and its streams behind a sign that no command begins with. */
  readonly keys: readonly string[];
  readonly bytes: number;
  readonly giveUpAt: number;
  /** How far the log was known to reach when the append came in. */
  readonly cameAt: bigint;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: Error) => void;
}

/** Appends one by one for its callers, many at a time for the server: while one batch is under way the next one gathers. */
export interface AppendQueue {
  append(append: EncodedAppend): Promise<AppendResult>;
}

/** What the queue learns from and tells about the end of the log. */
export interface KnownHead {
  readonly known: bigint;
  readonly recorded: (position: bigint) => void;
}

/**
 * A queue in front of `appendBatch`. Two batches are under way at a time: while the server is at one, the next lies in the socket
 * already. What could tell which of two went first, appends to one stream and repeats of one command, never is in both.
 */
export function openAppendQueue(connection: AppendConnection, head: KnownHead): AppendQueue {
  let waiting: Waiting[] = [];
  let underWay = 0;
  let starting = false;
  const stayAwake = openStayAwake();
  /** How far our own batches have come, and whether other processes append as well, about as much. */
  let lastEnd = 0n;
  let othersToo = false;
  /** The streams and commands of the batches under way. */
  const busy = new Set<string>();

  /** Where others append too, they keep the server busy between two batches, and one large batch takes the lock once. */
  function room(): number {
    return (othersToo ? 1 : batchesUnderWayMax) - underWay;
  }

  function start(): void {
    starting = false;
    while (room() > 0 && waiting.length > 0) {
      const { batch, rest } = takeBatch(waiting, busy, Math.max(batchAppendsMin, Math.ceil(waiting.length / room())));
      if (batch.length === 0) return;
      waiting = rest;
      underWay += 1;
      for (const entry of batch) for (const key of entry.keys) busy.add(key);
      void settle(batch).then(() => {
        underWay -= 1;
        for (const entry of batch) for (const key of entry.keys) busy.delete(key);
        startSoon();
      });
    }
  }

  /** Whoever else appends in the same turn of the loop is to come along. */
  function startSoon(): void {
    if (starting || room() <= 0 || waiting.length === 0) return;
    starting = true;
    setImmediate(start);
  }

  /** Asks until the server has answered for every append of the batch, or its time is up. */
  async function settle(batch: readonly Waiting[]): Promise<void> {
    // Those who have waited too long already, behind others, are not kept waiting for one more answer.
    let pending = withoutLate(batch, () => new Error('it has been away, or busy, for too long'));
    for (let retry = 1; pending.length > 0; retry += 1) {
      const appends = pending.map((entry) => entry.append);
      try {
        const answer = connection.use((client) => appendBatch(client, appends));
        if (appends.length === 1 && underWay === 1 && waiting.length === 0) stayAwake(answer);
        const results = await answer;
        lookForOthers(results);
        deliver(pending, results, retry > 1);
        return;
      } catch (error) {
        if (!isTransient(error)) {
          await setApart(pending, error as Error);
          return;
        }
        // Asking again does nothing twice: what was recorded after all is found by its event ids.
        pending = withoutLate(pending, () => error);
        if (pending.length > 0) await backOff(retry);
      }
    }
  }

  /** What lies between the end of one batch and the beginning of the next is by others. */
  function lookForOthers(results: readonly AppendResult[]): void {
    const recorded = results.filter((result) => result.ok && !result.repeated);
    const [first, last] = [recorded[0], recorded.at(-1)];
    if (first?.ok !== true || last?.ok !== true) return;
    const between = first.firstPosition - lastEnd - 1n;
    othersToo = 2n * between > last.lastPosition - first.firstPosition;
    if (last.lastPosition > lastEnd) lastEnd = last.lastPosition;
  }

  function deliver(batch: readonly Waiting[], results: readonly AppendResult[], again: boolean): void {
    for (const [n, entry] of batch.entries()) {
      const result = results[n];
      if (result === undefined) entry.reject(new Error('The batch was given fewer results than it has appends.'));
      else if (!result.ok) entry.resolve(result);
      else {
        head.recorded(result.lastPosition);
        // What was recorded only since the caller asked is what the caller asked for, though the answer got lost.
        const repeated = result.repeated && !(again && result.firstPosition > entry.cameAt);
        entry.resolve({ ...result, repeated });
      }
    }
  }

  /** One append made the server refuse them all: by halving, it is found and refused alone. */
  async function setApart(batch: readonly Waiting[], error: Error): Promise<void> {
    if (batch.length === 1) {
      batch[0]?.reject(error);
      return;
    }
    const middle = Math.ceil(batch.length / 2);
    await settle(batch.slice(0, middle));
    await settle(batch.slice(middle));
  }

  return {
    append(append) {
      return new Promise((resolve, reject) => {
        const giveUpAt = Date.now() + patienceMs;
        const keys = [append.commandUid, ...append.streams.map(({ stream }) => `=${stream}`)];
        waiting.push({ append, keys, bytes: bytesOf(append), giveUpAt, cameAt: head.known, resolve, reject });
        startSoon();
      });
    },
  };
}

/**
 * Those that have waited longest, as many as fit. What has a stream or a command in common with a batch under way, or with something
 * that has waited longer, stays behind; within a batch only repeats of a command do, since the second is to find what the first did.
 */
function takeBatch(
  waiting: readonly Waiting[],
  busy: ReadonlySet<string>,
  wanted: number,
): { batch: Waiting[]; rest: Waiting[] } {
  const batch: Waiting[] = [];
  const rest: Waiting[] = [];
  const commands = new Set<string>();
  const behind = new Set<string>();
  let bytes = 0;
  for (const entry of waiting) {
    const { commandUid } = entry.append;
    const fits =
      batch.length === 0 || (batch.length < Math.min(wanted, batchAppends) && bytes + entry.bytes <= batchBytes);
    if (fits && !commands.has(commandUid) && !entry.keys.some((key) => busy.has(key) || behind.has(key))) {
      batch.push(entry);
      commands.add(commandUid);
      bytes += entry.bytes;
    } else {
      rest.push(entry);
      for (const key of entry.keys) behind.add(key);
    }
  }
  return { batch, rest };
}

function bytesOf({ streams }: EncodedAppend): number {
  return streams.reduce((sum, { events }) => events.reduce((inner, { data }) => inner + data.length, sum), 0);
}

/** The cause is asked for when there is somebody to tell it to: an error costs a walk of the stack. */
function withoutLate(batch: readonly Waiting[], cause: () => unknown): Waiting[] {
  const now = Date.now();
  return batch.filter((entry) => {
    if (now < entry.giveUpAt) return true;
    entry.reject(unavailable(cause()));
    return false;
  });
}
