import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import type { Engine, Saving, SavingSetting } from '../engine-api.ts';
import type { Node } from '../keyspace/node.ts';
import { idle, perform, runningSeconds } from './activity.ts';
import type { Activity } from './activity.ts';
import { openAof, startAof } from './aof/aof.ts';
import type { Aof } from './aof/aof.ts';
import { aofFolder, loadAof } from './aof/load.ts';
import type { AofPlace, LoadedAof } from './aof/load.ts';
import { loadDump } from './dump.ts';
import { settingOf, settingsFrom } from './settings.ts';
import type { PersistenceSettings } from './settings.ts';
import { rdbForm } from './rdb/write.ts';
import { snapshotRdb } from './snapshot.ts';
import { writeWholeFile } from './write-file.ts';

/*
 * Where to find what in this folder, for hosts of nodes:
 *
 *   wal/wal.ts    openWal({ dir, apply }) → Wal: openNodes / openNode, closeNode, writeBase, replaceNode, dropNode, close
 *   snapshot.ts   snapshotRdb(node) → { stream, result }: an RDB file of one instant, while writes go on
 *   load.ts       loadRdb(stream, scratchNode, nowMs, { totalBytes, memoryMaxBytes }) → { keys, expiredKeys, digest }
 *   digest.ts     KeyspaceDigest: what snapshots and loads are compared by
 *   codec.ts      rdbCodec: DUMP and RESTORE
 *
 * This file and aof/ are the standalone server's alone: Redis's dump.rdb and its append-only files.
 */

export interface PersistenceOptions {
  /** Settings by CONFIG's names, in their normal form; those that are missing are as they are at first. */
  readonly given: ReadonlyMap<string, string>;
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

/** How often it is looked whether a save or a rewrite is due. */
const LOOK_MS = 100;
/** After a save or rewrite failed, it is not begun again by itself for so long. */
const RETRY_MS = 5000;

const SAVE_FAILED =
  'MISCONF Redis is configured to save RDB snapshots, but it\'s currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.'; // prettier-ignore

/** The persistence of a standalone server: Redis's dump.rdb by save points, and its append-only files when they are on. */
export function createPersistence({ given, node, log }: PersistenceOptions): Persistence {
  return new Standalone(given, node, log);
}

class Standalone implements Persistence, Saving {
  private values: PersistenceSettings;
  private readonly given: Map<string, string>;
  private readonly node: Node;
  private readonly log: (line: string) => void;
  private engine: Engine | undefined;
  private aof: Aof | undefined;
  /** Size of the append-only files when they were last loaded or rewritten. */
  private aofBaseBytes = 0;
  private cut: LoadedAof['cut'];
  private readonly save_ = idle();
  private readonly rewrite_ = idle();
  private saves = 0;
  private rewrites = 0;
  private lastSave = Date.now();
  private dirtyAtSave = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(given: ReadonlyMap<string, string>, node: Node, log: (line: string) => void) {
    this.given = new Map(given);
    this.values = settingsFrom(given);
    this.node = node;
    this.log = log;
  }

  get saving(): Saving {
    return this;
  }

  setting(name: SavingSetting): string {
    return settingOf(this.given, name);
  }

  set(name: SavingSetting, value: string): string | undefined {
    if (name === 'dir' && this.engine !== undefined && !existsSync(value)) return 'No such file or directory';
    this.given.set(name, name === 'dir' ? resolve(value) : value);
    this.values = settingsFrom(this.given);
    if (this.engine === undefined) return undefined;
    const { appendOnly, appendFsync, aofTimestamps } = this.values;
    if (this.aof !== undefined) {
      this.aof.journal.fsync = appendFsync;
      this.aof.journal.timestamps = aofTimestamps;
    }
    if (name === 'appendonly') {
      if (!appendOnly) {
        if (!this.rewriting) this.endAof();
      } else if (this.aof === undefined) this.begin(() => this.rewrite());
    }
    this.refuseWritesIfUnsaved();
    return undefined;
  }

  get inProgress(): boolean {
    return this.save_.running !== undefined;
  }

  get rewriting(): boolean {
    return this.rewrite_.running !== undefined;
  }

  get lastSaveMs(): number {
    return this.lastSave;
  }

  get changesSinceSave(): number {
    return this.node.dirty - this.dirtyAtSave;
  }

  save(): Promise<void> {
    return (this.save_.running ??= this.perform(this.save_, 'The data', () => this.writeDump()));
  }

  scheduleSave(): void {
    this.save_.scheduled = true;
  }

  rewrite(): Promise<void> {
    return (this.rewrite_.running ??= this.perform(this.rewrite_, 'The append only file', () => this.rewriteAof()));
  }

  scheduleRewrite(): void {
    this.rewrite_.scheduled = true;
  }

  async saveForShutdown(wish: 'save' | 'nosave' | undefined): Promise<void> {
    this.save_.scheduled = false;
    await this.save_.running?.catch(() => {});
    if (wish === 'save' || (wish === undefined && this.values.savePoints.length > 0)) await this.save();
  }

  async reload(options: { readonly save: boolean; readonly flush: boolean }): Promise<void> {
    if (options.save) await this.save();
    await this.loadDump(options.flush);
  }

  async loadAof(): Promise<void> {
    await this.aof?.journal.settle();
    for (const db of this.node.databases) db?.clear();
    this.cut = (await this.load())?.cut;
  }

  info(): readonly (readonly [string, string | number])[] {
    const { save_, rewrite_, aof, values } = this;
    const failure = aof?.journal.failure;
    return [
      ['rdb_changes_since_last_save', this.changesSinceSave],
      ['rdb_bgsave_in_progress', save_.running === undefined ? 0 : 1],
      ['rdb_last_save_time', Math.floor(this.lastSave / 1000)],
      ['rdb_last_bgsave_status', save_.lastOk ? 'ok' : 'err'],
      ['rdb_last_bgsave_time_sec', save_.lastSeconds],
      ['rdb_current_bgsave_time_sec', runningSeconds(save_)],
      ['rdb_saves', this.saves],
      ['rdb_last_cow_size', 0],
      ['aof_enabled', values.appendOnly ? 1 : 0],
      ['aof_rewrite_in_progress', rewrite_.running === undefined ? 0 : 1],
      ['aof_rewrite_scheduled', rewrite_.scheduled ? 1 : 0],
      ['aof_last_rewrite_time_sec', rewrite_.lastSeconds],
      ['aof_current_rewrite_time_sec', runningSeconds(rewrite_)],
      ['aof_last_bgrewrite_status', rewrite_.lastOk ? 'ok' : 'err'],
      ['aof_rewrites', this.rewrites],
      ['aof_last_write_status', failure === undefined ? 'ok' : 'err'],
      ['aof_last_cow_size', 0],
      ['aof_last_load_cut_bytes', this.cut?.bytes ?? 0],
      ...(aof === undefined
        ? []
        : ([
            ['aof_current_size', aof.bytes],
            ['aof_base_size', this.aofBaseBytes],
            ['aof_pending_rewrite', 0],
            ['aof_buffer_length', aof.journal.gathered],
            ['aof_pending_bio_fsync', 0],
            ['aof_delayed_fsync', 0],
          ] as const)),
    ];
  }

  async open(engine: Engine): Promise<void> {
    this.engine = engine;
    await mkdir(this.values.dir, { recursive: true });
    if (this.values.appendOnly) {
      const loaded = await this.load();
      this.aof = await openAof(this.place, this.node, this.writing, loaded);
      this.aofBaseBytes = this.aof.bytes;
      this.node.journal = this.aof.journal;
    } else await this.loadDump(true);
    this.dirtyAtSave = this.node.dirty;
    engine.adopt(this.node);
    this.timer = setInterval(() => this.look(), LOOK_MS).unref();
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.save_.running?.catch(() => {});
    await this.rewrite_.running?.catch(() => {});
    await this.aof?.journal.close();
  }

  private get place(): AofPlace {
    const { dir, appendDirName, appendFilename, aofLoadTruncated } = this.values;
    return { dir, folderName: appendDirName, fileName: appendFilename, loadTruncated: aofLoadTruncated };
  }

  private get writing() {
    return { fsync: this.values.appendFsync, timestamps: this.values.aofTimestamps, base: this.base };
  }

  /** What the base of the append-only files is written as. */
  private get base() {
    return { rdb: this.values.aofUsesRdb, compress: this.values.compress };
  }

  private perform(activity: Activity, what: string, work: () => Promise<void>): Promise<void> {
    const failed = (error: unknown): void => this.log(`${what} could not be saved: ${String(error)}`);
    return perform(activity, work, failed).finally(() => this.refuseWritesIfUnsaved());
  }

  private async writeDump(): Promise<void> {
    let dirty = 0;
    const onInstant = (): void => {
      ({ dirty } = this.node);
    };
    const form = rdbForm({ compress: this.values.compress });
    await writeWholeFile(this.dumpFile, snapshotRdb(this.node, { digest: false, form, onInstant }).stream);
    this.dirtyAtSave = dirty;
    this.lastSave = Date.now();
    this.saves++;
  }

  private get dumpFile(): string {
    return join(this.values.dir, this.values.dbFilename);
  }

  private async loadDump(flush: boolean): Promise<void> {
    const keys = await loadDump(this.engine!, this.node, this.dumpFile, flush);
    if (keys !== undefined) this.log(`DB loaded from disk: ${keys} keys of ${this.dumpFile}`);
  }

  private async rewriteAof(): Promise<void> {
    const { aof } = this;
    if (aof !== undefined) await aof.rewrite(this.base);
    else if (this.values.appendOnly) {
      await startAof(this.place, this.node, this.writing, (begun) => {
        this.aof = begun;
        this.node.journal = begun.journal;
      }).catch((error: unknown) => {
        this.aof = undefined;
        this.node.journal = undefined;
        throw error;
      });
    } else {
      // Without append-only files a rewrite makes a set of them beside, as it does in Redis.
      const made = await startAof(this.place, this.node, this.writing, () => {});
      await made.journal.close();
    }
    this.rewrites++;
    this.aofBaseBytes = this.aof?.bytes ?? 0;
    // It was turned off meanwhile.
    if (!this.values.appendOnly) this.endAof();
    // Or turned off and on again before it was written.
    else if (this.aof === undefined) this.rewrite_.scheduled = true;
  }

  private endAof(): void {
    const { aof } = this;
    if (aof === undefined) return;
    this.aof = undefined;
    this.node.journal = undefined;
    void aof.journal.close();
  }

  /** What runs in the background logs its failures itself. */
  private begin(work: () => Promise<void>): void {
    work().catch(() => undefined);
  }

  private look(): void {
    const now = Date.now();
    const { save_, rewrite_, values, aof } = this;
    if (save_.running !== undefined || rewrite_.running !== undefined) return;
    const waited = (one: Activity): boolean => now - one.failedMs > RETRY_MS;
    if (rewrite_.scheduled) this.begin(() => this.rewrite());
    else if (save_.scheduled && waited(save_)) this.begin(() => this.save());
    else if (this.saveDue(now) && waited(save_)) this.begin(() => this.save());
    else if (aof !== undefined && values.rewritePercentage > 0 && waited(rewrite_)) {
      const { bytes } = aof;
      const growth = ((bytes - this.aofBaseBytes) * 100) / Math.max(1, this.aofBaseBytes);
      if (bytes > values.rewriteMinBytes && growth >= values.rewritePercentage) {
        this.log(`Starting automatic rewriting of AOF on ${Math.floor(growth)}% growth`);
        this.begin(() => this.rewrite());
      }
    }
  }

  private saveDue(now: number): boolean {
    const changes = this.changesSinceSave;
    const passed = (now - this.lastSave) / 1000;
    return this.values.savePoints.some((point) => changes >= point.changes && changes > 0 && passed > point.seconds);
  }

  private refuseWritesIfUnsaved(): void {
    const { stopWritesOnSaveError, savePoints } = this.values;
    const refused = !this.save_.lastOk && stopWritesOnSaveError && savePoints.length > 0;
    this.node.writesRefused = refused ? SAVE_FAILED : undefined;
  }

  private async load(): Promise<LoadedAof | undefined> {
    const { node } = this;
    const apply = this.engine!.applyJournaled.bind(this.engine, node);
    const began = performance.now();
    const loaded = await loadAof(this.place, node, apply);
    if (loaded === undefined) return undefined;
    this.cut = loaded.cut;
    if (this.cut !== undefined) {
      const { file, offset, bytes } = this.cut;
      this.log(`!!! Warning: short read while loading the AOF file ${file}!!!`);
      this.log(
        `!!! Truncating the AOF ${file} at offset ${offset} !!! ${bytes} bytes of an unfinished command were cut off`,
      );
      this.log('AOF loaded anyway because aof-load-truncated is enabled');
    }
    const seconds = ((performance.now() - began) / 1000).toFixed(3);
    this.log(`DB loaded from append only file in ${aofFolder(this.place)}: ${seconds} seconds`);
    return loaded;
  }
}
