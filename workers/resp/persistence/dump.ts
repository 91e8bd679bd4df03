import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

import type { Engine } from '../engine-api.ts';
import { Node } from '../keyspace/node.ts';
import { loadRdb } from './load.ts';

/**
 * Loads an RDB file, if there is one, in the place of all data of a node; without `flush` into what there is. Returns how
 * many keys came of it. Rejects, naming the file, when it is damaged.
 */
export async function loadDump(engine: Engine, node: Node, file: string, flush: boolean): Promise<number | undefined> {
  const found = await stat(file).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return undefined;
  const loaded = new Node({ id: node.id });
  loaded.encodingLimits = node.encodingLimits;
  try {
    const options = { totalBytes: found.size, digest: false, limits: node.encodingLimits };
    const target = flush ? loaded : node;
    const { keys, expiredKeys } = await loadRdb(createReadStream(file), target, Date.now(), options);
    if (flush) engine.replaceKeyspace(node, loaded);
    return keys - expiredKeys;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${file} can't be loaded. ${reason}`, { cause: error });
  }
}
