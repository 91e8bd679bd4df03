import type { ApiKeyRow } from '#projections/api_keys/queries.ts';

/** An API key's row as the API shows it: without the hash by which it is known. */
export function presentApiKey({ secretSha256: _secret, ...rest }: ApiKeyRow) {
  return rest;
}
