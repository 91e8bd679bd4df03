import type { ApiKeyRow } from '#projections/api_keys/queries.ts';
import type { Operation } from '#projections/operations/queries.ts';
import type { OperationRow } from '#projections/operations/row.ts';

/** An operation's row as the API shows it. */
export function presentOperation(row: OperationRow): Operation {
  const { targetKind, targetId, errorCode, errorDetail, stream: _stream, ...rest } = row;
  const error = errorCode === null ? null : { code: errorCode, detail: errorDetail ?? '' };
  return { ...rest, target: { kind: targetKind, id: targetId }, error };
}

/** An API key's row as the API shows it: without the hash by which it is known. */
export function presentApiKey({ secretSha256: _secret, ...rest }: ApiKeyRow) {
  return rest;
}
