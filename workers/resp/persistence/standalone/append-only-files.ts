import { idle, perform, runningSeconds } from '../activity.ts';
import { openAof, startAof } from '../aof/aof.ts';
import type { Aof } from '../aof/aof.ts';
import { aofFolder, loadAof } from '../aof/load.ts';
import type { AofPlace, LoadedAof } from '../aof/load.ts';
import type { InfoLines, Served } from './served.ts';

/** Redis's append-only files, which are turned on and off while the server runs, and rewritten when they have grown. */
export class AppendOnlyFiles {
  readonly rewriting = idle();
  private readonly served: Served;
  private aof: Aof | undefined;
  /** Their size when they were last loaded or rewritten. */
  private baseBytes = 0;
  private cut: LoadedAof['cut'];
  private rewrites = 0;

  constructor(served: Served) {
    this.served = served;
  }

  /** Loads them, and goes on with them. */
  async open(): Promise<void> {
    const loaded = await this.load();
    this.aof = await openAof(this.place, this.served.node, this.writing, loaded);
    this.baseBytes = this.aof.bytes;
    this.served.node.journal = this.aof.journal;
  }

  async close(): Promise<void> {
    await this.rewriting.running?.catch(() => {});
    await this.aof?.journal.close();
  }

  /** Puts what they hold in the place of all data. */
  async reload(): Promise<void> {
    await this.aof?.journal.settle();
    for (const db of this.served.node.databases) db?.clear();
    await this.load();
  }

  /** Goes by changed settings of how they are written. */
  follow(): void {
    if (this.aof === undefined) return;
    const { appendFsync, aofTimestamps } = this.served.settings;
    this.aof.journal.fsync = appendFsync;
    this.aof.journal.timestamps = aofTimestamps;
  }

  /** They were turned on or off. What is off while a rewrite runs ends with that. */
  turn(): void {
    if (!this.served.settings.appendOnly) {
      if (this.rewriting.running === undefined) this.end();
    } else if (this.aof === undefined) {
      // A failure is logged.
      this.rewrite().catch(() => undefined);
    }
  }

  rewrite(): Promise<void> {
    const failed = (error: unknown): void =>
      this.served.log(`The append only file could not be saved: ${String(error)}`);
    return (this.rewriting.running ??= perform(this.rewriting, () => this.write(), failed));
  }

  /** By how many percent they have grown, when that is enough for a rewrite. */
  get dueGrowth(): number | undefined {
    const { rewritePercentage, rewriteMinBytes } = this.served.settings;
    if (this.aof === undefined || rewritePercentage <= 0) return undefined;
    const { bytes } = this.aof;
    const growth = ((bytes - this.baseBytes) * 100) / Math.max(1, this.baseBytes);
    return bytes > rewriteMinBytes && growth >= rewritePercentage ? growth : undefined;
  }

  info(): InfoLines {
    const { rewriting, aof, cut } = this;
    const failure = aof?.journal.failure;
    return [
      ['aof_enabled', this.served.settings.appendOnly ? 1 : 0],
      ['aof_rewrite_in_progress', rewriting.running === undefined ? 0 : 1],
      ['aof_rewrite_scheduled', rewriting.scheduled ? 1 : 0],
      ['aof_last_rewrite_time_sec', rewriting.lastSeconds],
      ['aof_current_rewrite_time_sec', runningSeconds(rewriting)],
      ['aof_last_bgrewrite_status', rewriting.lastOk ? 'ok' : 'err'],
      ['aof_rewrites', this.rewrites],
      ['aof_last_write_status', failure === undefined ? 'ok' : 'err'],
      ['aof_last_cow_size', 0],
      ['aof_last_load_cut_bytes', cut?.bytes ?? 0],
      ...(aof === undefined
        ? []
        : ([
            ['aof_current_size', aof.bytes],
            ['aof_base_size', this.baseBytes],
            ['aof_pending_rewrite', 0],
            ['aof_buffer_length', aof.journal.gathered],
            ['aof_pending_bio_fsync', 0],
            ['aof_delayed_fsync', 0],
          ] as const)),
    ];
  }

  private get place(): AofPlace {
    const { dir, appendDirName, appendFilename, aofLoadTruncated } = this.served.settings;
    return { dir, folderName: appendDirName, fileName: appendFilename, loadTruncated: aofLoadTruncated };
  }

  private get writing() {
    const { appendFsync, aofTimestamps } = this.served.settings;
    return { fsync: appendFsync, timestamps: aofTimestamps, base: this.base };
  }

  /** What their base is written as. */
  private get base() {
    const { aofUsesRdb, compress } = this.served.settings;
    return { rdb: aofUsesRdb, compress };
  }

  private async write(): Promise<void> {
    const { node, settings } = this.served;
    if (this.aof !== undefined) await this.aof.rewrite(this.base);
    else if (settings.appendOnly) {
      await startAof(this.place, node, this.writing, (begun) => {
        this.aof = begun;
        node.journal = begun.journal;
      }).catch((error: unknown) => {
        this.aof = undefined;
        node.journal = undefined;
        throw error;
      });
    } else {
      // Where they are off a rewrite makes a set of them beside, as it does in Redis.
      const made = await startAof(this.place, node, this.writing, () => {});
      await made.journal.close();
    }
    this.rewrites++;
    this.baseBytes = this.aof?.bytes ?? 0;
    // They were turned off meanwhile.
    if (!this.served.settings.appendOnly) this.end();
    // Or turned off and on again before they were written.
    else if (this.aof === undefined) this.rewriting.scheduled = true;
  }

  private end(): void {
    const { aof } = this;
    if (aof === undefined) return;
    this.aof = undefined;
    this.served.node.journal = undefined;
    void aof.journal.close();
  }

  private async load(): Promise<LoadedAof | undefined> {
    const { node, engine, log } = this.served;
    const began = performance.now();
    const loaded = await loadAof(this.place, node, engine!.applyJournaled.bind(engine, node));
    this.cut = loaded?.cut;
    if (loaded === undefined) return undefined;
    if (this.cut !== undefined) {
      const { file, offset, bytes } = this.cut;
      log(`!!! Warning: short read while loading the AOF file ${file}!!!`);
      log(
        `!!! Truncating the AOF ${file} at offset ${offset} !!! ${bytes} bytes of an unfinished command were cut off`,
      );
      log('AOF loaded anyway because aof-load-truncated is enabled');
    }
    const seconds = ((performance.now() - began) / 1000).toFixed(3);
    log(`DB loaded from append only file in ${aofFolder(this.place)}: ${seconds} seconds`);
    return loaded;
  }
}
