import { Client, type Pool } from 'pg';

import { readHead } from './read.ts';
import { backOff } from './transient.ts';

const channel = 'miniredis_log';
/** Notifications are a hint that may be lost; so often the truth is asked for when nothing is heard. */
const pollMs = 250;

/** Knows how far the log reaches and wakes those who wait for more. */
export interface HeadWatch {
  /** The furthest position known to be committed; the log may be further, never less far. */
  readonly known: bigint;
  /** Something was committed, as far as this process knows first-hand: wakes its own and hints the others. */
  recorded(position: bigint): void;
  /** Resolves as soon as the log reaches beyond a position, or when the signal is given. */
  beyond(position: bigint, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Watches only while somebody waits. With `notify`, processes hint each other through LISTEN and NOTIFY. */
export function watchHead(pool: Pool, notify: boolean): HeadWatch {
  let known = 0n;
  const waiters = new Set<{ position: bigint; wake: () => void }>();
  const closing = new AbortController();
  let polling: Promise<void> | null = null;
  let listening: Promise<void> | null = null;
  let hinting: Promise<void> | null = null;
  let hinted = 0n;

  function learn(position: bigint): void {
    if (position <= known) return;
    known = position;
    for (const waiter of waiters) if (known > waiter.position) waiter.wake();
  }

  async function poll(): Promise<void> {
    while (waiters.size > 0 && !closing.signal.aborted) {
      // A server that is away is asked again with the next poll.
      learn(await readHead(pool).catch(() => 0n));
      await pause(pollMs);
    }
    polling = null;
  }

  async function listen(): Promise<void> {
    for (let retry = 1; !closing.signal.aborted; retry += 1) {
      const client = new Client({ ...pool.options, application_name: `${pool.options.application_name} listen` });
      const lost = new Promise<void>((resolve) => {
        client.on('error', () => resolve());
        client.on('end', () => resolve());
        closing.signal.addEventListener('abort', () => resolve(), { once: true });
      });
      client.on('notification', ({ payload }) => learn(BigInt(payload ?? '0')));
      try {
        await client.connect();
        await client.query(`LISTEN ${channel}`);
        retry = 1;
        await lost;
      } catch {
        // The polls go on; this connection is tried again.
      }
      await client.end().catch(() => {});
      await backOff(retry, closing.signal).catch(() => {});
    }
  }

  async function hint(): Promise<void> {
    while (hinted < known && !closing.signal.aborted) {
      hinted = known;
      await pool
        .query({ name: 'hint', text: `SELECT pg_notify('${channel}', $1)`, values: [String(known)] })
        .catch(() => {});
    }
    hinting = null;
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        closing.signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      closing.signal.addEventListener('abort', done);
    });
  }

  return {
    get known() {
      return known;
    },
    recorded(position) {
      learn(position);
      if (notify) hinting ??= Promise.resolve().then(hint);
    },
    beyond(position, signal) {
      if (known > position || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = () => {
          waiters.delete(waiter);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        const waiter = { position, wake };
        waiters.add(waiter);
        signal.addEventListener('abort', wake);
        polling ??= poll();
        if (notify) listening ??= listen();
      });
    },
    async close() {
      closing.abort();
      for (const waiter of waiters) waiter.wake();
      await Promise.all([polling, listening, hinting]);
    },
  };
}
