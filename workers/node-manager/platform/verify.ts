import type { ObjectStore } from '#infra/object-store/object-store.ts';
import { KeyspaceDigest } from '#workers/resp/persistence/digest.ts';
import { readRdb } from '#workers/resp/persistence/rdb/read.ts';
import { isLarge } from '#workers/resp/persistence/rdb/write-value.ts';

import { openChecked } from './object.ts';

/** What a backup's file was found to hold. */
export interface VerifyResult {
  readonly keys: number;
  readonly digest: string;
  readonly bytes: number;
}

/**
 * Reads a backup back and rebuilds every value of it, one after another, so that the memory it takes does not grow with the
 * backup. Rejects when the object is not the one that was written, or is no RDB file from its beginning to its checksum.
 */
export async function verifyObject(store: ObjectStore, objectKey: string, sha256: string): Promise<VerifyResult> {
  const object = await openChecked(store, objectKey, sha256);
  const digest = new KeyspaceDigest();
  await readRdb(
    object.content,
    (db, key, value, expireAtMs) => {
      if (isLarge(value)) return digest.addSliced(db, key, value, expireAtMs);
      return digest.add(db, key, value, expireAtMs);
    },
    { totalBytes: object.bytes },
  );
  object.check();
  return { keys: digest.keys, digest: digest.toString(), bytes: object.bytes };
}
