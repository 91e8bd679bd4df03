import type { ObjectStore } from '#infra/object-store/object-store.ts';
import type { Node } from '#workers/resp/keyspace/node.ts';
import { snapshotRdb } from '#workers/resp/persistence/snapshot.ts';

import { until } from './object.ts';

/** What a backup's file holds. */
export interface SnapshotResult {
  readonly sha256: string;
  readonly bytes: number;
  readonly keys: number;
  readonly digest: string;
}

/** Streams the node's data as of one instant into the object store; the object appears whole or not at all. */
export async function snapshotToStore(
  node: Node,
  store: ObjectStore,
  objectKey: string,
  signal: AbortSignal,
): Promise<SnapshotResult> {
  const snapshot = snapshotRdb(node);
  const { sha256, bytes } = await store.put(objectKey, until(signal, snapshot.stream));
  const { keys, digest } = await snapshot.result;
  return { sha256, bytes, keys, digest };
}
