import { DATABASE_COUNT } from '../keyspace/node.ts';
import type { Node } from '../keyspace/node.ts';
import type { Value } from '../keyspace/value.ts';
import { KeyspaceDigest } from './digest.ts';
import { AUX_ACL_USER } from './rdb/format.ts';
import { readRdb } from './rdb/read.ts';
import type { RdbReadOptions } from './rdb/read.ts';
import { isLarge } from './rdb/write-value.ts';

/** What a file held. */
export interface LoadedRdb {
  /** All keys of the file, expired ones included: compares with a snapshot's `keys`. */
  readonly keys: number;
  /** Those of them whose time had come, which were left out. */
  readonly expiredKeys: number;
  /** Over all keys of the file, expired ones included: compares with a snapshot's `digest`. */
  readonly digest: string;
  /** How long it is. */
  readonly bytes: number;
}

/** The name in a function library's first line, `#!lua name=<name>`. */
function libraryName(code: string): string | undefined {
  return /^#![^\n]*?\sname=([\w"']+)[^\n]*\n/i.exec(code)?.[1]?.replace(/["']/g, '');
}

/** How a file is loaded. */
export interface LoadOptions extends RdbReadOptions {
  /** Refuses a file whose keys take more than this by the node's own accounting. */
  readonly memoryMaxBytes?: number;
  /** False saves the time for a digest nobody wants (`digest` is then empty). */
  readonly digest?: boolean;
}

/**
 * Loads an RDB file, keys, ACL users and function libraries, into `target`, which should be a detached scratch node: when this rejects, the file was not right and
 * what was loaded so far has to be thrown away. Keys that expired before `nowMs` are checked and counted, not loaded.
 */
export async function loadRdb(
  source: AsyncIterable<Uint8Array>,
  target: Node,
  nowMs: number,
  options: LoadOptions = {},
): Promise<LoadedRdb> {
  const digest = options.digest === false ? undefined : new KeyspaceDigest();
  const memoryMax = options.memoryMaxBytes ?? Infinity;
  let keys = 0;
  let expiredKeys = 0;
  const sink = (db: number, key: string, value: Value, expireAtMs?: number): Iterable<void> | void => {
    if (db >= DATABASE_COUNT) throw new Error(`The RDB file has a database ${db}; there are only ${DATABASE_COUNT}.`);
    keys++;
    if (expireAtMs !== undefined && expireAtMs <= nowMs) expiredKeys++;
    else {
      const database = target.database(db);
      if (database.entries.has(key)) throw new Error(`The RDB file is damaged: database ${db} has a key twice.`);
      database.load(key, value, expireAtMs);
      if (target.usedBytes > memoryMax) {
        throw new Error(`The RDB file needs more than the ${memoryMax} bytes of memory there are for it.`);
      }
    }
    if (digest === undefined) return;
    if (isLarge(value)) return digest.addSliced(db, key, value, expireAtMs);
    digest.add(db, key, value, expireAtMs);
  };
  const onAux = (name: string, value: string): void => {
    if (name !== AUX_ACL_USER) return;
    const space = value.indexOf(' ');
    if (space > 0) (target.aclUsers ??= new Map()).set(value.slice(0, space), value.slice(space + 1));
  };
  const onLibrary = (code: string): void => {
    const name = libraryName(code);
    if (name === undefined) throw new Error('The RDB file has a function library without a name.');
    (target.libraries ??= new Map()).set(name, code);
  };
  const bytes = await readRdb(source, sink, { ...options, onAux, onLibrary });
  return { bytes, keys, expiredKeys, digest: digest?.toString() ?? '' };
}
