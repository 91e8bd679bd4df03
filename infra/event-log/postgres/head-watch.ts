import { setTimeout as sleep } from 'node:timers/promises';

import { Client, type Pool } from 'pg';

import { readHead } from './read.ts';
import { backOff } from './transient.ts';

const channel = 'miniredis_log';
/** A hint changes nothing, so its commit need not wait for the disk. */
const hintStatement = `SELECT set_config('synchronous_commit', 'off', true), pg_notify('${channel}', $1)`;
/** Notifications are a hint that may be lost; so often the truth is asked for when nothing is heard. */
const pollMs = 250;

/** Knows how far the log reaches and wakes those who wait for more. */
export interface HeadWatch {
  /** The furthest position known to be committed; the log may be further, never less far. */
  readonly known: bigint;
  /** Takes note of a position that this process has seen committed: wakes its own waiters and hints the other processes. */
  readonly recorded: (position: bigint) => void;
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
      await sleep(pollMs, undefined, { signal: closing.signal }).catch(() => {});
    }
    polling = null;
  }

  async function listen(): Promise<void> {
    let retry = 0;
    while (!closing.signal.aborted) {
      const client = new Client({
        ...pool.options,
        password: pool.options.password,
        application_name: 'miniredis listen',
      });
      try {
        const lost = connectionLost(client, closing.signal);
        client.on('notification', ({ payload }) => learn(BigInt(payload ?? '0')));
        await client.connect();
        await client.query(`LISTEN ${channel}`);
        retry = 0;
        await lost;
      } catch {
        // The polls go on meanwhile; the connection is tried again.
      }
      client.end().catch(() => {});
      retry += 1;
      await backOff(retry, closing.signal);
    }
  }

  async function hint(): Promise<void> {
    while (hinted < known && !closing.signal.aborted) {
      hinted = known;
      await pool.query({ name: 'hint', text: hintStatement, values: [String(known)] }).catch(() => {});
    }
    hinting = null;
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

/** Resolves when a connection is lost, or no longer wanted. */
function connectionLost(client: Client, closing: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      closing.removeEventListener('abort', done);
      resolve();
    };
    client.on('error', done);
    client.on('end', done);
    closing.addEventListener('abort', done);
  });
}
