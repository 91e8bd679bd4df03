import { Client, type Pool } from 'pg';

import { hintChannel, listenerName, openHeadHints } from './head-hints.ts';
import { readHead } from './read.ts';
import { backOff } from './transient.ts';

/** Notifications are a hint that may be lost; so often the truth is asked for when nothing is heard. */
const pollMs = 250;

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
  let looking: Promise<void> | null = null;
  let listening: Promise<void> | null = null;
  /** The server's process behind the connection that listens. */
  let listener: number | null = null;
  const hints = openHeadHints(pool, () => listener, closing.signal);
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
      const options = { ...pool.options, password: pool.options.password, application_name: listenerName };
      const client = new Client(options);
      try {
        const lost = connectionLost(client, closing.signal);
        client.on('notification', pause.interrupt);
        await client.connect();
        listener = (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid ?? null;
        await client.query(`LISTEN ${hintChannel}`);
        retry = 0;
        await lost;
      } catch {
        // The looks go on meanwhile; the connection is tried again.
      }
      listener = null;
      client.end().catch(() => {});
      retry += 1;
      await backOff(retry, closing.signal);
    }
  }

  return {
    get known() {
      return known;
    },
    recorded(position) {
      learn(position);
      if (notify) hints.recorded(position);
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
      await Promise.all([looking, listening, hints.stopped()]);
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
