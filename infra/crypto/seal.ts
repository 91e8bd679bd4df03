import { createCipheriv, createDecipheriv, createHmac, type KeyObject } from 'node:crypto';

import { deriveKey } from './master-key.ts';

const [nonceBytes, tagBytes] = [12, 16];

/**
 * AES-256-GCM: nonce, ciphertext and tag in one. `bound` is what the ciphertext belongs to; it opens nowhere else. The nonce is a
 * keyed hash of text and place, so the same text in the same place is sealed the same way, and a repeated event is recognised
 * by its bytes; under two different texts or places a nonce never repeats (see RFC 8452 for the idea).
 */
export function seal(key: KeyObject, bound: string, plain: Uint8Array | string): Buffer {
  const text = Buffer.from(plain);
  const nonce = createHmac('sha256', deriveKey(key, 'nonce'))
    .update(`${Buffer.byteLength(bound)}:${bound}`)
    .update(text)
    .digest()
    .subarray(0, nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(bound));
  return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
}

/** What was sealed. Throws when the key or the place is another one, or a bit was changed. */
export function unseal(key: KeyObject, bound: string, sealed: Buffer): Buffer {
  if (sealed.length < nonceBytes + tagBytes) throw new Error('The ciphertext is cut short.');
  const end = sealed.length - tagBytes;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes });
  decipher.setAAD(Buffer.from(bound)).setAuthTag(sealed.subarray(end));
  return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, end)), decipher.final()]);
}
