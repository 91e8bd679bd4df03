import { keyedHash, type MasterKey } from '#infra/crypto/master-key.ts';
import type { FastifyRequest } from 'fastify';
import { v7 as uuidv7 } from 'uuid';

import { canonicalJson } from '../canonical-json.ts';
import { printableHeader } from '../plugins/request-context.ts';
import { Problem } from '../problems.ts';

/** How a command is told from others: given by the caller, who may then repeat it, or made up here. */
export interface CommandId {
  readonly commandId: string;
  readonly givenByCaller: boolean;
}

/** The `Idempotency-Key` of a request, or a new id. */
export function commandIdOf(request: FastifyRequest): CommandId {
  const given = printableHeader(request.headers['idempotency-key'], 'Idempotency-Key');
  return { commandId: given ?? uuidv7(), givenByCaller: given !== null };
}

/** What a request asks for, as a keyed hash: a repeat has the same, another request with the same id has not. */
export function requestHmacOf(masterKey: MasterKey, request: FastifyRequest): string {
  const asked = `${request.method}\n${request.url}\n${canonicalJson(request.body ?? undefined)}`;
  return keyedHash(masterKey, 'request', asked);
}

const entityTag = /^"(?<version>0|[1-9][0-9]{0,8})"$/;

/**
 * The version that `If-Match` asks for, or null when it asks for none; `*` is for anything that exists, which every write to an
 * existing thing takes anyway. A weak tag never matches (RFC 9110, 13.1.1).
 */
export function ifMatchOf(request: FastifyRequest): number | null {
  const header = request.headers['if-match'];
  if (header === undefined || header === '*') return null;
  const version = entityTag.exec(header)?.groups?.['version'];
  if (version !== undefined) return Number(version);
  throw new Problem('malformed_header', 'If-Match must be one ETag as a GET of the thing shows it, such as "3".');
}
