import type { BadCursor, Page } from '#projections/kernel/page.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';

import { Problem } from '../problems.ts';

/** The page that was found, unless the cursor was not made by this list. */
export function goodPage<Item>(page: Page<Item> | BadCursor): Page<Item> {
  if (page !== 'bad_cursor') return page;
  throw new Problem('invalid_cursor', 'The cursor is not one that this list has given out.');
}

/**
 * Sets the `ETag` of a thing. True when the caller has this version already (`If-None-Match`): the reply is 304 then, without a
 * body (RFC 9110, 13.1.2; tags are compared weakly).
 */
export function isUnchanged(request: FastifyRequest, reply: FastifyReply, version: number): boolean {
  const tag = `"${version}"`;
  reply.header('etag', tag);
  const known = request.headers['if-none-match'];
  if (known === undefined) return false;
  const same = known.trim() === '*' || known.split(',').some((one) => one.trim().replace(/^W\//, '') === tag);
  if (same) reply.code(304);
  return same;
}
