import { createReadStream } from 'node:fs';
import { open, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';

import type { Engine, Saving } from '../engine-api.ts';
import { Node } from '../keyspace/node.ts';
import { loadRdb } from './load.ts';
import { snapshotRdb } from './snapshot.ts';
import { syncFolder } from './wal/segment.ts';
import { openWal } from './wal/wal.ts';
import type { Wal } from './wal/wal.ts';

/*
 * Where to find what in this folder, for hosts of nodes:
 *
 *   wal/wal.ts    openWal({ dir, apply }) → Wal: openNodes / openNode, closeNode, writeBase, replaceNode, dropNode, close
 *   snapshot.ts   snapshotRdb(node) → { stream, result }: an RDB file of one instant, while writes go on
 *   load.ts       loadRdb(stream, scratchNode, nowMs, { totalBytes, memoryMaxBytes }) → { keys, expiredKeys, digest }
 *   digest.ts     KeyspaceDigest: what snapshots and loads are compared by
 *   codec.ts      rdbCodec: DUMP and RESTORE
 *
 * This file is the wiring of the standalone server alone.
 */

export interface PersistenceOptions {
  /** The folder of dump.rdb and, with `appendOnly`, of the write-ahead log. */
  readonly dir: string;
  readonly dbFilename: string;
  /** Whether writes are logged; then the log is what is loaded at start, as in Redis, and dump.rdb is not looked at. */
  readonly appendOnly: boolean;
  /** `no` is taken as `everysec`, which promises more. */
  readonly appendFsync: 'always' | 'everysec' | 'no';
  /** The server's one node, empty. */
  readonly node: Node;
  readonly log: (line: string) => void;
}

/** What keeps a standalone server's data. */
export interface Persistence {
  /** For the engine's options. */
  readonly saving: Saving;
  /** Loads what there is, before anyone connects. Rejects, naming the file, when it is damaged. */
  open(engine: Engine): Promise<void>;
  /** Writes down what is not on the disk yet, after the engine was closed. */
  close(): Promise<void>;
}

/** The persistence of a standalone server: Redis's dump.rdb, and the write-ahead log when it is asked for. */
export function createPersistence(options: PersistenceOptions): Persistence {
  const { dir, dbFilename, node, log } = options;
  const file = join(dir, dbFilename);
  let wal: Wal | undefined;
  let running: Promise<void> | undefined;
  const state = { lastSaveMs: Date.now(), lastSaveOk: true };

  const save = async (): Promise<void> => {
    const before = running;
    const work = (async () => {
      await before?.catch(() => {});
      await saveRdb(node, dir, file);
    })();
    running = work;
    try {
      await work;
      Object.assign(state, { lastSaveMs: Date.now(), lastSaveOk: true });
    } catch (error) {
      state.lastSaveOk = false;
      log(`The data could not be saved: ${String(error)}`);
      throw error;
    } finally {
      if (running === work) running = undefined;
    }
  };
  return {
    saving: {
      get inProgress() {
        return running !== undefined;
      },
      get lastSaveMs() {
        return state.lastSaveMs;
      },
      get lastSaveOk() {
        return state.lastSaveOk;
      },
      save,
      rewrite: async () => wal?.writeBase(node.id),
    },
    async open(engine) {
      if (options.appendOnly) {
        const apply = engine.applyJournaled.bind(engine);
        wal = await openWal({ dir: join(dir, 'wal'), apply, onTrouble: log });
        const { cut } = wal.report;
        if (cut !== undefined) log(`${cut.bytes} unfinished bytes were cut off ${cut.file} at byte ${cut.offset}`);
        const durability = options.appendFsync === 'always' ? 'always' : 'everysec';
        const { keys } = await wal.openNode({ node, epoch: 0, durability });
        log(`Loaded ${keys} keys from the write-ahead log`);
      } else {
        const keys = await loadDump(engine, node, file);
        if (keys !== undefined) log(`Loaded ${keys} keys from ${file}`);
      }
      engine.adopt(node);
    },
    async close() {
      await running?.catch(() => {});
      await wal?.close();
    },
  };
}

/** Writes a snapshot beside the old file and puts it in its place once it is on the disk. */
async function saveRdb(node: Node, dir: string, file: string): Promise<void> {
  const temporary = join(dir, `temp-${process.pid}.rdb`);
  const handle = await open(temporary, 'w', 0o600);
  try {
    for await (const chunk of snapshotRdb(node, { digest: false }).stream) await handle.appendFile(chunk);
    await handle.datasync();
    await rename(temporary, file);
    await syncFolder(dir);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  } finally {
    await handle.close();
  }
}

/** Loads a dump, if there is one, and returns how many keys are in it. */
async function loadDump(engine: Engine, node: Node, file: string): Promise<number | undefined> {
  const found = await stat(file).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return undefined;
  const loaded = new Node({ id: node.id });
  try {
    const options = { totalBytes: found.size, digest: false };
    const { keys, expiredKeys } = await loadRdb(createReadStream(file), loaded, Date.now(), options);
    engine.replaceKeyspace(node, loaded);
    return keys - expiredKeys;
  } catch (error) {
    throw new Error(`${file} can't be loaded. ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
