import type { ObjectStore } from '#infra/object-store/object-store.ts';
import { Node } from '#workers/resp/keyspace/node.ts';
import { loadRdb } from '#workers/resp/persistence/load.ts';

import { openChecked } from './object.ts';

/** What a backup brought into a node. */
export interface RestoreResult {
  readonly keys: number;
  readonly expiredKeys: number;
  readonly digest: string;
}

/** The same data takes a little more or less memory when it is built anew; a backup of a full node has to fit into its like. */
const memorySlack = 1.25;

/**
 * Loads a backup beside the node's data and puts it in its place when all of it was found right. `replace` must be atomic and
 * durable; until it is called, and if it rejects, the old data stays.
 */
export async function restoreFromStore(
  node: Node,
  store: ObjectStore,
  objectKey: string,
  sha256: string,
  replace: (loaded: Node) => Promise<void>,
  signal: AbortSignal,
): Promise<RestoreResult> {
  const object = await openChecked(store, objectKey, sha256, signal);
  const beside = new Node({ id: node.id, maxMemory: node.maxMemory, evictionPolicy: node.evictionPolicy });
  const memoryMaxBytes = node.maxMemory === 0 ? Infinity : node.maxMemory * memorySlack;
  const loaded = await loadRdb(object.content, beside, Date.now(), { totalBytes: object.bytes, memoryMaxBytes });
  object.check();
  signal.throwIfAborted();
  await replace(beside);
  return { keys: loaded.keys, expiredKeys: loaded.expiredKeys, digest: loaded.digest };
}
