import type { FastifyInstance, FastifyRequest } from 'fastify';
import { v7 as uuidv7 } from 'uuid';

import { Problem } from '../problems.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Ties together all that one cause led to: `X-Correlation-Id` of the caller, or a new one. */
    correlationId: string;
    /** The W3C `traceparent` of the caller, or null; one that is malformed is ignored, as its specification says. */
    trace: string | null;
  }
}

/** What a command id or a correlation id may look like: printable ASCII, so that it can be sent back in a header. */
const printable = /^[\x20-\x7e]{1,255}$/;
const traceparent = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Reads what accompanies every request, and sets the headers that accompany every reply. */
export function addRequestContext(app: FastifyInstance): void {
  app.decorateRequest('correlationId', '');
  app.decorateRequest('trace', null);
  app.addHook('onRequest', async (request, reply) => {
    // A correlation id exists before anything can go wrong, also with the header that should have brought it.
    request.correlationId = uuidv7();
    reply.header('x-content-type-options', 'nosniff');
    reply.header('cache-control', isRead(request) ? 'private, no-cache' : 'no-store');
    try {
      request.correlationId = printableHeader(request.headers['x-correlation-id'], 'X-Correlation-Id') ?? uuidv7();
    } finally {
      reply.header('x-correlation-id', request.correlationId);
    }
    const trace = request.headers['traceparent'];
    request.trace = typeof trace === 'string' && traceparent.test(trace) ? trace : null;
  });
}

/** Whether a request changes nothing: a GET, or its HEAD. */
export function isRead({ method }: Pick<FastifyRequest, 'method'>): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** The value of an optional header that must be 1 to 255 printable ASCII characters. */
export function printableHeader(value: string | string[] | undefined, name: string): string | null {
  if (value === undefined) return null;
  if (typeof value === 'string' && printable.test(value)) return value;
  throw new Problem('malformed_header', `${name} must be one value of 1 to 255 printable ASCII characters.`);
}
