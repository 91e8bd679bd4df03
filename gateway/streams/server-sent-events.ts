import { once } from 'node:events';

import type { FastifyReply, FastifyRequest } from 'fastify';

import { streamsOf } from './open-streams.ts';

/** One event on the wire; see https://html.spec.whatwg.org/multipage/server-sent-events.html */
interface ServerSentEvent {
  readonly id?: string;
  readonly event: string;
  /** One line of JSON. */
  readonly data: string;
}

/** A reply that goes on. */
export interface EventStream {
  /** Resolves when the client has room for more; false when it is gone or the gateway is stopping. */
  send(event: ServerSentEvent): Promise<boolean>;
  /** Aborted when the client is gone or the gateway is stopping. */
  readonly closed: AbortSignal;
  end(): void;
}

/** Whether the client asked for events rather than for one document. */
export function wantsEvents(request: FastifyRequest): boolean {
  return request.method === 'GET' && /(^|[\s,])text\/event-stream\s*(;|,|$)/i.test(request.headers.accept ?? '');
}

/** Turns a reply into a stream of server-sent events, with a comment now and then to keep idle connections open. */
export function openEventStream(request: FastifyRequest, reply: FastifyReply, keepAlive_ms: number): EventStream {
  const { raw, closed, finish } = takeOver(request, reply, 'text/event-stream; charset=utf-8');
  raw.write(': connected\n\n');
  const keepAlive = setInterval(() => raw.writableNeedDrain || raw.write(': keep-alive\n\n'), keepAlive_ms);
  closed.addEventListener('abort', () => clearInterval(keepAlive), { once: true });
  return {
    closed,
    async send({ id, event, data }) {
      const text = `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`;
      return writeWithin(raw, closed, text);
    },
    end: finish,
  };
}

/** Takes a reply out of fastify's hands, for as long as the client stays and the gateway runs. */
export function takeOver(request: FastifyRequest, reply: FastifyReply, contentType: string) {
  const streams = streamsOf(request.server);
  const closing = new AbortController();
  const { raw } = reply;
  reply.hijack();
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
  raw.setHeader('content-type', contentType);
  raw.setHeader('x-accel-buffering', 'no');
  raw.setHeader('connection', 'close');
  raw.writeHead(200);
  const finish = (): void => {
    closing.abort();
    if (!raw.writableEnded) raw.end();
  };
  streams.add(finish);
  raw.once('close', () => {
    streams.delete(finish);
    closing.abort();
  });
  raw.on('error', () => closing.abort());
  return { raw, closed: closing.signal, finish };
}

/** A client that takes nothing for so long is gone, whatever its connection says. */
const stuck_ms = 60_000;

/** Writes and waits until the client has taken enough of what was written before. */
export async function writeWithin(raw: FastifyReply['raw'], closed: AbortSignal, text: string): Promise<boolean> {
  if (closed.aborted) return false;
  if (raw.write(text)) return true;
  try {
    await once(raw, 'drain', { signal: AbortSignal.any([closed, AbortSignal.timeout(stuck_ms)]) });
    return true;
  } catch {
    raw.destroy();
    return false;
  }
}
