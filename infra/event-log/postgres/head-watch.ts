import { setTimeout as sleep } from 'node:timers/promises';

import { Client, type Pool } from 'pg';

import { readHead } from './read.ts';
import { backOff } from './transient.ts';

const channel = 'miniredis_log';
/** A hint changes nothing, so its commit need not wait for the disk. */
const hintStatement = `SELECT set_config('synchronous_commit', 'off', true), pg_notify('${channel}', '')`;
/** Notifications are a hint that may be lost; so often the truth is asked for when nothing is heard. */
const pollMs = 250;
/** A hint costs about as much as an append, so under load they come no more often than this. */
const hintPauseMs = 4;

/** Knows how far the log reaches and wakes those who wait for more. */
export interface HeadWatch {
  /** The furthest position known to be committed; the log may be further, never less far. */
  readonly known: bigint;
  /** Takes note of a position that this process has seen committed: wakes its own waiters and hints the other processes. */
  readonly recorded: (position: bigint) => void;
  /** Takes note of how far the log was when it was asked for. */
  readonly seen: (position: bigint) => void;
  /** Resolves as soon as the log reaches beyond a position, or when the signal is given. */
  beyond(position: bigint, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/**
 * Watches only while somebody waits. With `notify`, processes hint each other through LISTEN and NOTIFY; a hint only makes them
 * look at once, for anybody may send one.
 */
export function watchHead(pool: Pool, notify: boolean): HeadWatch {
  const waiters = new Set<{ position: bigint; wake: () => void }>();
  const closing = new AbortController();
  let known = 0n;
  let hinted = 0n;
  let looking: Promise<void> | null = null;
  let listening: Promise<void> | null = null;
  let hinting: Promise<void> | null = null;
  const pause = interruptible();
  closing.signal.addEventListener('abort', pause.interrupt);

  function learn(position: bigint): void {
    if (position <= known) return;
    known = position;
    for (const waiter of waiters) if (known > waiter.position) waiter.wake();
  }

  async function look(): Promise<void> {
    while (waiters.size > 0 && !closing.signal.aborted) {
      const pauseAfter = pause.begin(pollMs);
      // A server that is away is asked again with the next look.
      learn(await readHead(pool).catch(() => 0n));
      await pauseAfter;
    }
    looking = null;
  }

  async function listen(): Promise<void> {
    let retry = 0;
    while (!closing.signal.aborted) {
      const options = { ...pool.options, password: pool.options.password, application_name: 'miniredis listen' };
      const client = new Client(options);
      try {
        const lost = connectionLost(client, closing.signal);
        client.on('notification', pause.interrupt);
        await client.connect();
        await client.query(`LISTEN ${channel}`);
        retry = 0;
        await lost;
      } catch {
        // The looks go on meanwhile; the connection is tried again.
      }
      client.end().catch(() => {});
      retry += 1;
      await backOff(retry, closing.signal);
    }
  }

  async function hint(): Promise<void> {
    while (hinted < known && !closing.signal.aborted) {
      hinted = known;
      await pool.query({ name: 'hint', text: hintStatement }).catch(() => {});
      await sleep(hintPauseMs);
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
    seen: learn,
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
        looking ??= look();
        if (notify) listening ??= listen();
      });
    },
    async close() {
      closing.abort();
      for (const waiter of waiters) waiter.wake();
      await Promise.all([looking, listening, hinting]);
    },
  };
}

/** A pause that ends early when it is interrupted, be it in the very moment it begins. */
function interruptible(): { begin(ms: number): Promise<void>; interrupt: () => void } {
  let end = (): void => {};
  return {
    begin: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        end = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
    interrupt: () => end(),
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
