import type { Client, Server } from './server.ts';

/** What a connection takes that keeps nothing: its objects here and the socket's. */
const CONNECTION_BYTES = 2048;
/** A word in a queue or a set, beside its characters. */
const WORD_BYTES = 40;

/** What is kept for a client, in bytes by kind. */
export interface ClientMemory {
  /** Input that is no whole request yet. */
  readonly input: number;
  /** Replies that wait, here and in the socket. */
  readonly output: number;
  /** The request it is blocked with. */
  readonly request: number;
  /** Requests queued by MULTI. */
  readonly queued: number;
  readonly total: number;
}

function sizeOf(words: Iterable<string>): number {
  let bytes = 0;
  for (const word of words) bytes += word.length + WORD_BYTES;
  return bytes;
}

/** Adds up what a client takes. */
export function memoryOf(client: Client): ClientMemory {
  const { input, output } = client.transport?.sizes() ?? { input: 0, output: 0 };
  const request = sizeOf(client.suspended?.args ?? []);
  const queued = client.transaction?.bytes ?? 0;
  const waiting = output + client.reply.length;
  const { channels, patterns, shardChannels, tracking, watchedKeys } = client;
  const names = [channels, patterns, shardChannels, tracking?.prefixes].reduce(
    (sum, set) => sum + sizeOf(set ?? []),
    0,
  );
  const watched = sizeOf(watchedKeys?.map(({ key }) => key) ?? []);
  return {
    input,
    output: waiting,
    request,
    queued,
    total: CONNECTION_BYTES + input + waiting + request + queued + names + watched,
  };
}

/** Input that is still coming has so long to become a request, which may be answered before anyone is closed. */
const PATIENCE_MS = 50;
const checking = new WeakSet<Server>();

/** Sees that the clients of a node together take no more than they may, after one of them was read from or written to. */
export function checkClientMemory(server: Server, client?: Client): void {
  const input = client?.transport?.sizes().input ?? 0;
  if (input === 0 || input > server.clientBytesMax) {
    evictClients(server);
    return;
  }
  if (checking.has(server)) return;
  checking.add(server);
  setTimeout(() => {
    checking.delete(server);
    evictClients(server);
  }, PATIENCE_MS).unref();
}

/** Closes the connections that take most until the rest may stay; those that said so are left alone (CLIENT NO-EVICT). */
function evictClients(server: Server): void {
  const limit = server.clientBytesMax;
  if (limit === 0) return;
  const all = [...server.clients.values()].map((client) => ({ client, bytes: memoryOf(client).total }));
  const spared = (client: Client): boolean => client.noEvict || client.privileged;
  let total = all.reduce((sum, { client, bytes }) => sum + (spared(client) ? 0 : bytes), 0);
  all.sort((a, b) => b.bytes - a.bytes);
  for (const { client, bytes } of all) {
    if (total <= limit) return;
    if (spared(client)) continue;
    total -= bytes;
    server.evictedClients++;
    client.transport?.destroy();
  }
}
