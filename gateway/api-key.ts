import type { ApiKeyId } from '#domains/kernel/ids.ts';
import { newSecret } from '#infra/crypto/secrets.ts';

/** A new API key: its id, by which it is found, and 256 random bits. The log keeps its SHA-256 alone. */
export function newApiKey(keyId: ApiKeyId): string {
  return `mr_${keyId}_${newSecret()}`;
}

const format = /^mr_(?<keyId>key_[0-9a-hjkmnp-tv-z]{26})_[A-Za-z0-9_-]{43}$/;

/** The id within a text that has the form of an API key, or undefined. */
export function keyIdWithin(text: string): string | undefined {
  return format.exec(text)?.groups?.['keyId'];
}
