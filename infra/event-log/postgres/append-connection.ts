import { Client, type ClientBase, type Pool } from 'pg';

import { NotReached } from './transient.ts';

/** How long the server has for one batch before it is asked again over another connection. */
const answerMs = 5_000;
/**
 * Plans must not depend on how small the tables were when they were made. And whoever waits longer for the lock, perhaps behind a
 * batch that waited as long, has been given up by its caller: it must not append behind the caller's back.
 */
const settings = [
  'SET plan_cache_mode = force_generic_plan',
  'SET enable_seqscan = off',
  'SET enable_hashjoin = off',
  'SET enable_mergejoin = off',
  'SET lock_timeout = 2000',
].join(';');

/** The one connection that a log appends over; it comes back after the server was away. */
export interface AppendConnection {
  /**
   * Statements of several uses at a time are sent without waiting for each other's answers, and run one after the other. Throws
   * `NotReached` when there was no connection; what the use throws otherwise.
   */
  use<Result>(use: (client: ClientBase) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

/**
 * Opened when it is first needed, like those of the pool but beside them. While the server is at one statement the next lies in its
 * socket: it goes on without waking anybody up, where two connections would hand the lock of the head to each other.
 */
export function openAppendConnection(pool: Pool): AppendConnection {
  let current: Promise<Client> | null = null;

  function connect(): Promise<Client> {
    const client = new Client({
      ...pool.options,
      password: pool.options.password,
      pipeline: true,
      // What is not answered in time breaks the connection, and with it all that was sent behind.
      query_timeout: answerMs,
    });
    const opened = open(client);
    const forget = () => {
      if (current === opened) current = null;
    };
    client.on('error', forget);
    client.on('end', forget);
    opened.catch(forget);
    return opened;
  }

  return {
    async use(use) {
      current ??= connect();
      return use(await current);
    },
    async close() {
      const last = current;
      current = null;
      await last?.then((client) => client.end(), ignore);
    },
  };
}

async function open(client: Client): Promise<Client> {
  try {
    await client.connect();
    await client.query(settings);
    return client;
  } catch (cause) {
    client.end().catch(ignore);
    throw new NotReached(cause);
  }
}

function ignore(): void {}
