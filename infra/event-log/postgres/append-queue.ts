import type { Pool, PoolClient } from 'pg';

import type { EncodedAppend } from '../codec.ts';
import type { AppendResult } from '../event-log.ts';
import { appendBatch } from './append-batch.ts';
import { backOff, isTransient, unavailable } from './transient.ts';

const batchSize = 200;
/** How long a caller waits at most for a server that is away or does not say what became of an append. */
const patienceMs = 10_000;

interface Waiting {
  readonly append: EncodedAppend;
  readonly giveUpAt: number;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: Error) => void;
}

/** Appends one by one for its callers, many at a time for the server: while one batch is under way the next one gathers. */
export interface AppendQueue {
  append(append: EncodedAppend): Promise<AppendResult>;
  /** Resolves when nothing is under way any more. */
  drained(): Promise<void>;
}

/** A queue in front of `append_events`. `recorded` hears of each position that is committed. */
export function openAppendQueue(pool: Pool, recorded: (position: bigint) => void): AppendQueue {
  let waiting: Waiting[] = [];
  let running: Promise<void> | null = null;

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const batch = takeBatch();
      await settle(batch);
    }
    running = null;
  }

  /** The longest waiting ones; but of the repeats of one command only the first, as the second is to find what the first did. */
  function takeBatch(): Waiting[] {
    const batch: Waiting[] = [];
    const later: Waiting[] = [];
    const uids = new Set<string>();
    for (const entry of waiting) {
      const { commandUid } = entry.append;
      if (batch.length < batchSize && !uids.has(commandUid)) batch.push(entry);
      else later.push(entry);
      uids.add(commandUid);
    }
    waiting = later;
    return batch;
  }

  async function settle(batch: readonly Waiting[]): Promise<void> {
    let pending = batch;
    for (let retry = 1; ; retry += 1) {
      try {
        const results = await withClient(pool, (client) =>
          appendBatch(
            client,
            pending.map((entry) => entry.append),
          ),
        );
        deliver(pending, results, retry > 1);
        return;
      } catch (error) {
        if (!isTransient(error)) {
          await setApart(pending, error as Error);
          return;
        }
        // Nothing is lost by asking again: what was recorded after all is found by its event ids.
        pending = withoutLate(pending, error);
        if (pending.length === 0) return;
        await backOff(retry);
      }
    }
  }

  function deliver(batch: readonly Waiting[], results: readonly AppendResult[], again: boolean): void {
    for (const [n, entry] of batch.entries()) {
      const result = results[n];
      if (result === undefined) {
        entry.reject(new Error('append_events answered with too few rows.'));
        continue;
      }
      if (result.ok) recorded(result.lastPosition);
      entry.resolve(result.ok && again ? { ...result, repeated: false } : result);
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
        waiting.push({ append, giveUpAt: Date.now() + patienceMs, resolve, reject });
        running ??= Promise.resolve().then(run);
      });
    },
    async drained() {
      while (running !== null) await running;
    },
  };
}

function withoutLate(batch: readonly Waiting[], cause: unknown): Waiting[] {
  const now = Date.now();
  return batch.filter((entry) => {
    if (now < entry.giveUpAt) return true;
    entry.reject(unavailable(cause));
    return false;
  });
}

/** Lends a connection; one on which something went wrong is not used again. */
async function withClient<Result>(pool: Pool, use: (client: PoolClient) => Promise<Result>): Promise<Result> {
  const client = await pool.connect();
  try {
    const result = await use(client);
    client.release();
    return result;
  } catch (error) {
    client.release(true);
    throw error;
  }
}
