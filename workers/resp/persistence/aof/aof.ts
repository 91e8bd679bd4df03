import { open, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

import type { Node } from '../../keyspace/node.ts';
import { rdbForm } from '../rdb/write.ts';
import { snapshotRdb } from '../snapshot.ts';
import type { SnapshotForm } from '../snapshot-form.ts';
import { makeFolder, syncFolder } from '../wal/segment.ts';
import { writeWholeFile } from '../write-file.ts';
import { commandForm } from './command-form.ts';
import { AofJournal } from './journal.ts';
import type { FsyncPolicy } from './journal.ts';
import { aofFolder } from './load.ts';
import type { AofPlace, LoadedAof } from './load.ts';
import { NO_MANIFEST, readManifest, writeManifest } from './manifest.ts';
import type { AofFile, Manifest } from './manifest.ts';

/** How an append-only log is written. */
export interface AofWriting {
  readonly fsync: FsyncPolicy;
  readonly timestamps: boolean;
  readonly base: BaseWriting;
}

/** What a base is written as: an RDB file, its strings compressed or not, or commands. */
interface BaseWriting {
  readonly rdb: boolean;
  readonly compress: boolean;
}

function baseForm({ rdb, compress }: BaseWriting): SnapshotForm {
  return rdb ? rdbForm({ aofBase: true, compress }) : commandForm;
}

/** An append-only log in Redis 7's form that a node's effects go to: a base, increments, and the manifest that names them. */
export class Aof {
  readonly journal: AofJournal;
  /** Size of the base, 0 while there is none. */
  baseBytes: number;
  private readonly place: AofPlace;
  private readonly node: Node;
  private manifest: Manifest;
  /** Bytes of the increments before the one that is written to. */
  private closedBytes: number;

  constructor(place: AofPlace, node: Node, manifest: Manifest, journal: AofJournal, baseBytes: number, closed: number) {
    this.place = place;
    this.node = node;
    this.manifest = manifest;
    this.journal = journal;
    this.baseBytes = baseBytes;
    this.closedBytes = closed;
  }

  /** Bytes of all files that count. */
  get bytes(): number {
    return this.baseBytes + this.closedBytes + this.journal.incrementBytes;
  }

  /**
   * Writes the base anew, of one instant, and begins a new increment at that instant. Whenever a crash comes, the manifest
   * names files that make up the whole.
   */
  async rewrite(writing: BaseWriting): Promise<void> {
    const { place, node, journal } = this;
    const folder = aofFolder(place);
    const before = this.manifest;
    const { file, handle } = await createIncrement(place, before);
    let old: FileHandle | undefined;
    try {
      await this.enforce({ ...before, increments: [...before.increments, file] });
      const base = nextBase(place, before, writing);
      const form = baseForm(writing);
      const onInstant = (): void => {
        const grown = this.closedBytes + journal.incrementBytes;
        old = journal.switchTo(handle);
        this.closedBytes = grown;
      };
      // What is appended until then is synced in passing, so that little is left for the instant itself.
      await journal.settle();
      const { stream } = snapshotRdb(node, { digest: false, form, ready: () => journal.idle, onInstant });
      this.baseBytes = await writeWholeFile(join(folder, base.name), stream);
      this.closedBytes = 0;
      const history = [...(before.base === undefined ? [] : [before.base]), ...before.increments];
      await this.enforce({ base, increments: [file], history });
      await removeFiles(folder, history);
      await this.enforce({ base, increments: [file], history: [] });
    } catch (error) {
      if (old === undefined) {
        await this.enforce(before).catch(() => {});
        await handle.close();
        await removeFiles(folder, [file]);
      }
      throw error;
    } finally {
      await old?.close();
    }
  }

  /** Puts a manifest in force. */
  async enforce(manifest: Manifest): Promise<void> {
    await writeManifest(aofFolder(this.place), this.place.fileName, manifest);
    this.manifest = manifest;
  }
}

/** Goes on with a log that was loaded, or begins one for a node that has no data yet. */
export async function openAof(
  place: AofPlace,
  node: Node,
  writing: AofWriting,
  loaded: LoadedAof | undefined,
): Promise<Aof> {
  const folder = aofFolder(place);
  if (loaded === undefined) {
    await makeFolder(folder);
    const base = nextBase(place, NO_MANIFEST, writing.base);
    const { stream } = snapshotRdb(node, { digest: false, form: baseForm(writing.base) });
    const baseBytes = await writeWholeFile(join(folder, base.name), stream);
    const { file, handle } = await createIncrement(place, NO_MANIFEST);
    const manifest = { base, increments: [file], history: [] };
    await writeManifest(folder, place.fileName, manifest);
    return new Aof(place, node, manifest, newJournal(handle, 0, writing), baseBytes, 0);
  }
  const { manifest, baseBytes, lastIncrementBytes, totalBytes } = loaded;
  const last = manifest.increments.at(-1);
  if (last !== undefined) {
    const handle = await open(join(folder, last.name), 'r+');
    await writeManifest(folder, place.fileName, manifest);
    const journal = newJournal(handle, lastIncrementBytes, writing);
    return new Aof(place, node, manifest, journal, baseBytes, totalBytes - baseBytes - lastIncrementBytes);
  }
  const { file, handle } = await createIncrement(place, manifest);
  const extended = { ...manifest, increments: [file] };
  await writeManifest(folder, place.fileName, extended);
  return new Aof(place, node, extended, newJournal(handle, 0, writing), baseBytes, 0);
}

/**
 * Begins a log for a node that has data: its base is written while the node is served, and from the base's instant on its
 * effects go to the log. What another log left in the folder holds until the base is complete.
 */
export async function startAof(
  place: AofPlace,
  node: Node,
  writing: AofWriting,
  begun: (aof: Aof) => void,
): Promise<Aof> {
  const folder = aofFolder(place);
  await makeFolder(folder);
  const before = (await readManifest(folder, place.fileName)) ?? NO_MANIFEST;
  const base = nextBase(place, before, writing.base);
  const { file, handle } = await createIncrement(place, before);
  const aof = new Aof(place, node, before, newJournal(handle, 0, writing), 0, 0);
  try {
    const onInstant = (): void => begun(aof);
    const { stream } = snapshotRdb(node, { digest: false, form: baseForm(writing.base), onInstant });
    aof.baseBytes = await writeWholeFile(join(folder, base.name), stream);
    await aof.enforce({ base, increments: [file], history: [] });
    await removeFiles(folder, [...(before.base === undefined ? [] : [before.base]), ...before.increments]);
    return aof;
  } catch (error) {
    await aof.journal.close();
    await removeFiles(folder, [file]);
    throw error;
  }
}

function newJournal(handle: FileHandle, size: number, { fsync, timestamps }: AofWriting): AofJournal {
  const journal = new AofJournal({ handle, size }, fsync);
  journal.timestamps = timestamps;
  return journal;
}

function nextBase({ fileName }: AofPlace, { base, history }: Manifest, { rdb }: BaseWriting): AofFile {
  const sequence = 1 + Math.max(0, base?.sequence ?? 0, ...history.filter(isBase).map((file) => file.sequence));
  return { name: `${fileName}.${sequence}.base.${rdb ? 'rdb' : 'aof'}`, sequence };
}

function isBase({ name }: AofFile): boolean {
  return name.includes('.base.');
}

async function createIncrement(
  place: AofPlace,
  { increments }: Manifest,
): Promise<{ file: AofFile; handle: FileHandle }> {
  const folder = aofFolder(place);
  const sequence = (increments.at(-1)?.sequence ?? 0) + 1;
  const file = { name: `${place.fileName}.${sequence}.incr.aof`, sequence };
  const handle = await open(join(folder, file.name), 'w', 0o600);
  await handle.datasync();
  await syncFolder(folder);
  return { file, handle };
}

async function removeFiles(folder: string, files: readonly AofFile[]): Promise<void> {
  for (const { name } of files) await unlink(join(folder, name)).catch(() => {});
  await syncFolder(folder);
}
