import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { stat } from 'node:fs/promises';

import { secretInFile } from '#infra/files/secret-file.ts';

/** The key from which all others are derived or by which they are wrapped. An object that shows nothing when it is logged. */
export type MasterKey = KeyObject;

/**
 * The master key kept in a file (64 hexadecimal digits), made with mode 0600 on first use. Processes that start at the same
 * moment end up with the same key: the file appears whole or not at all, and only once.
 */
export async function loadMasterKey(file: string): Promise<MasterKey> {
  const text = await secretInFile(file);
  const { mode } = await stat(file);
  if ((mode & 0o077) !== 0) {
    throw new Error(`The master key ${file} can be read by others; run: chmod 600 ${file}`);
  }
  if (!/^[0-9a-f]{64}\s*$/.test(text)) {
    throw new Error(
      `The master key ${file} is damaged: it must be 64 hexadecimal digits. Put it back from its backup.`,
    );
  }
  return createSecretKey(Buffer.from(text.trim(), 'hex'));
}

/** The master key of a platform: given as text (`MASTER_KEY`), or else kept in a file. */
export function masterKeyOf({
  masterKey,
  masterKeyFile,
}: {
  readonly masterKey?: string | undefined;
  readonly masterKeyFile: string;
}): Promise<MasterKey> {
  return masterKey === undefined
    ? loadMasterKey(masterKeyFile)
    : Promise.resolve(createSecretKey(Buffer.from(masterKey, 'hex')));
}

/** A key for one purpose, so that what is made for one can't be passed off for another (HKDF-SHA-256, RFC 5869). */
export function deriveKey(masterKey: MasterKey, purpose: string): KeyObject {
  let derived = derivedKeys.get(masterKey);
  if (derived === undefined) derivedKeys.set(masterKey, (derived = new Map<string, KeyObject>()));
  let key = derived.get(purpose);
  if (key === undefined) {
    key = createSecretKey(Buffer.from(hkdfSync('sha256', masterKey, '', `miniredis/${purpose}`, 32)));
    derived.set(purpose, key);
  }
  return key;
}

/** HMAC-SHA-256 of a text under the key for a purpose, in hexadecimal: a hash that nobody can guess texts for without the key. */
export function keyedHash(masterKey: MasterKey, purpose: string, text: string): string {
  return createHmac('sha256', deriveKey(masterKey, purpose)).update(text).digest('hex');
}

const derivedKeys = new WeakMap<MasterKey, Map<string, KeyObject>>();
