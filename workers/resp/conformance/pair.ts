import { setTimeout as sleep } from 'node:timers/promises';
import { SETTINGS } from './generate.ts';
import { CONNECTIONS } from './steps.ts';
import { openListener } from './listener.ts';
import { CLOSED, Closed, openWire } from './wire.ts';
import type { Wire } from './wire.ts';

/** The connections to one of two servers that are compared. What a connection that was closed does not answer is `CLOSED`. */
export interface Side {
  /** The requests at which the server closed a connection. */
  readonly closings: readonly string[];
  /** Sends requests over one of the connections in one batch, and returns their replies. */
  send(connection: number, requests: readonly (readonly string[])[]): Promise<readonly string[]>;
  /** Puts the server into the state every run begins with, and opens what it has closed. */
  reset(protocol: string): Promise<void>;
  /** Sends a request that may wait, and returns once it waits or its reply is there. */
  block(request: readonly string[]): Promise<void>;
  /** The reply of the connection that waits, after ending its wait; undefined when nothing was sent. */
  collect(): Promise<string | undefined>;
  /** Sends a request of the connection that listens, and returns all it has received since, the reply included. */
  hear(request: readonly string[]): Promise<readonly string[]>;
  /** Sends a request that makes a key expire soon, and returns when it has. */
  expire(request: readonly string[]): Promise<string>;
  close(): void;
}

/** Longer than the lifetime of keys that are to expire. */
const EXPIRY_MS = 13;
/** A request that has not begun to wait by then never will. */
const BLOCKED_MAX_MS = 5000;

/** Connects to a server. */
export async function openSide(port: number): Promise<Side> {
  const closings: string[] = [];
  const wires = await Promise.all(Array.from({ length: CONNECTIONS }, () => openWire(port)));
  let waiter = await openWire(port);
  let control = await openWire(port);
  let listener = await openListener(port);
  let id = await idOf(waiter);
  let reply: string | undefined;
  let pending: Promise<void> | undefined;

  const ask = (wire: Wire, requests: readonly (readonly string[])[]): Promise<readonly string[]> =>
    wire.batch(requests).catch((error: unknown) => {
      if (!(error instanceof Closed)) throw error;
      closings.push(requests[error.replies.length]!.join(' '));
      return requests.map((_, i) => error.replies[i] ?? CLOSED);
    });
  const reopen = async (): Promise<void> => {
    for (const [i, wire] of wires.entries()) if (wire.closed) wires[i] = await openWire(port);
    if (control.closed) control = await openWire(port);
    if (listener.closed) listener = await openListener(port);
    if (!waiter.closed) return;
    waiter = await openWire(port);
    id = await idOf(waiter);
  };
  const answered = (): boolean => reply !== undefined;
  const collect = async (): Promise<string | undefined> => {
    if (pending === undefined) return undefined;
    await ask(control, [['CLIENT', 'UNBLOCK', id]]);
    await pending;
    pending = undefined;
    const taken = reply;
    reply = undefined;
    return taken;
  };
  return {
    closings,
    send: (connection, requests) => ask(wires[connection]!, requests),
    collect,
    hear: (request) => listener.hear(request),
    async reset(protocol) {
      await collect();
      await reopen();
      await Promise.all([...wires, waiter].map((wire) => wire.batch([['RESET'], ['HELLO', protocol]])));
      await control.batch([
        ['DEBUG', 'SET-ACTIVE-EXPIRE', '0'],
        ['FLUSHALL'],
        ['SCRIPT', 'FLUSH'],
        ['FUNCTION', 'FLUSH'],
        ['ACL', 'DELUSER', 'limited', 'u0', 'u1', 'u2', 'u16'],
        ['ACL', 'LOG', 'RESET'],
        ['SLOWLOG', 'RESET'],
        ['CLIENT', 'UNPAUSE'],
        ['CONFIG', 'SET', 'notify-keyspace-events', ''],
        ...Object.entries(SETTINGS).map(([name, value]) => ['CONFIG', 'SET', name, value]),
      ]);
      await listener.hear(['RESET']);
      await listener.hear(['HELLO', protocol]);
    },
    async block(request) {
      pending = ask(waiter, [request]).then(([first]) => {
        reply = first;
      });
      const giveUpAt = Date.now() + BLOCKED_MAX_MS;
      for (;;) {
        if (answered()) return;
        if (Date.now() > giveUpAt) throw new Error(`${request.join(' ')} neither waits nor is answered.`);
        const [line] = await control.batch([['CLIENT', 'LIST', 'ID', id]]);
        if (/ flags=\w*b/.test(line!)) return;
      }
    },
    async expire(request) {
      const [line] = await ask(control, [request]);
      await sleep(EXPIRY_MS);
      return line!;
    },
    close() {
      for (const wire of [...wires, waiter, control, listener]) wire.close();
    },
  };
}

async function idOf(wire: Wire): Promise<string> {
  const [reply] = await wire.batch([['CLIENT', 'ID']]);
  return reply!.slice(1).trim();
}
