import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';

import type { Engine, Saving, SavingSetting } from '../engine-api.ts';
import type { Node } from '../keyspace/node.ts';
import type { Activity } from './activity.ts';
import { settingOf, settingsFrom } from './settings.ts';
import type { PersistenceSettings } from './settings.ts';
import { AppendOnlyFiles } from './standalone/append-only-files.ts';
import { DumpFile } from './standalone/dump-file.ts';
import type { InfoLines, Served } from './standalone/served.ts';

/*
 * Where to find what in this folder, for hosts of nodes:
 *
 *   wal/wal.ts    openWal({ dir, apply }) → Wal: openNodes / openNode, closeNode, writeBase, replaceNode, dropNode, close
 *   snapshot.ts   snapshotRdb(node) → { stream, result }: an RDB file of one instant, while writes go on
 *   load.ts       loadRdb(stream, scratchNode, nowMs, { totalBytes, memoryMaxBytes }) → { keys, expiredKeys, digest }
 *   digest.ts     KeyspaceDigest: what snapshots and loads are compared by
 *   codec.ts      rdbCodec: DUMP and RESTORE
 *
 * This file, standalone/ and aof/ are the standalone server's alone: Redis's dump.rdb and its append-only files.
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

/** The persistence of a standalone server: Redis's dump.rdb by save points, and its append-only files when they are on. */
export function createPersistence({ given, node, log }: PersistenceOptions): Persistence {
  return new Standalone(given, node, log);
}

class Standalone implements Persistence, Saving, Served {
  readonly node: Node;
  readonly log: (line: string) => void;
  engine: Engine | undefined;
  settings: PersistenceSettings;
  private readonly given: Map<string, string>;
  private readonly dump = new DumpFile(this);
  private readonly files = new AppendOnlyFiles(this);
  private timer: NodeJS.Timeout | undefined;

  constructor(given: ReadonlyMap<string, string>, node: Node, log: (line: string) => void) {
    this.given = new Map(given);
    this.settings = settingsFrom(given);
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
    this.settings = settingsFrom(this.given);
    if (this.engine === undefined) return undefined;
    this.files.follow();
    if (name === 'appendonly') this.files.turn();
    this.dump.refuseWritesIfUnsaved();
    return undefined;
  }

  get inProgress(): boolean {
    return this.dump.saving.running !== undefined;
  }

  get rewriting(): boolean {
    return this.files.rewriting.running !== undefined;
  }

  get lastSaveMs(): number {
    return this.dump.lastSaveMs;
  }

  save(): Promise<void> {
    return this.dump.save();
  }

  scheduleSave(): void {
    this.dump.saving.scheduled = true;
  }

  rewrite(): Promise<void> {
    return this.files.rewrite();
  }

  scheduleRewrite(): void {
    this.files.rewriting.scheduled = true;
  }

  async saveForShutdown(wish: 'save' | 'nosave' | undefined): Promise<void> {
    const { saving } = this.dump;
    saving.scheduled = false;
    await saving.running?.catch(() => {});
    if (wish === 'save' || (wish === undefined && this.settings.savePoints.length > 0)) await this.save();
  }

  async reload(options: { readonly save: boolean; readonly flush: boolean }): Promise<void> {
    if (options.save) await this.save();
    await this.dump.load(options.flush);
  }

  loadAof(): Promise<void> {
    return this.files.reload();
  }

  info(): InfoLines {
    return [...this.dump.info(), ...this.files.info()];
  }

  async open(engine: Engine): Promise<void> {
    this.engine = engine;
    await mkdir(this.settings.dir, { recursive: true });
    if (this.settings.appendOnly) await this.files.open();
    else await this.dump.load(true);
    this.dump.begin();
    engine.adopt(this.node);
    this.timer = setInterval(() => this.look(), LOOK_MS).unref();
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.dump.saving.running?.catch(() => {});
    await this.files.close();
  }

  /** Begins what is due, one thing at a time. */
  private look(): void {
    const nowMs = Date.now();
    const { saving } = this.dump;
    const { rewriting } = this.files;
    if (saving.running !== undefined || rewriting.running !== undefined) return;
    const waited = (one: Activity): boolean => nowMs - one.failedMs > RETRY_MS;
    if (rewriting.scheduled) begin(this.files.rewrite());
    else if (waited(saving) && (saving.scheduled || this.dump.isDue(nowMs))) begin(this.dump.save());
    else if (waited(rewriting)) {
      const growth = this.files.dueGrowth;
      if (growth === undefined) return;
      this.log(`Starting automatic rewriting of AOF on ${Math.floor(growth)}% growth`);
      begin(this.files.rewrite());
    }
  }
}

/** What runs in the background logs its failures itself. */
function begin(work: Promise<void>): void {
  work.catch(() => undefined);
}
