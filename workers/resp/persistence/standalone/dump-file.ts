import { join } from 'node:path';

import { idle, perform, runningSeconds } from '../activity.ts';
import { loadDump } from '../dump.ts';
import { rdbForm } from '../rdb/write.ts';
import { snapshotRdb } from '../snapshot.ts';
import { writeWholeFile } from '../write-file.ts';
import type { InfoLines, Served } from './served.ts';

const SAVE_FAILED =
  'MISCONF Redis is configured to save RDB snapshots, but it\'s currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.'; // prettier-ignore

/** Redis's dump.rdb: written when somebody says so or a save point is reached, and loaded where there are no append-only files. */
export class DumpFile {
  readonly saving = idle();
  /** When data was last saved; at first, when the server started. */
  lastSaveMs = Date.now();
  private readonly served: Served;
  private saves = 0;
  private dirtyAtSave = 0;

  constructor(served: Served) {
    this.served = served;
  }

  /** How many changes it lacks. */
  get changesSinceSave(): number {
    return this.served.node.dirty - this.dirtyAtSave;
  }

  /** Takes what the node holds for what has been saved. */
  begin(): void {
    this.dirtyAtSave = this.served.node.dirty;
  }

  save(): Promise<void> {
    const failed = (error: unknown): void => this.served.log(`The data could not be saved: ${String(error)}`);
    return (this.saving.running ??= perform(this.saving, () => this.write(), failed).finally(() =>
      this.refuseWritesIfUnsaved(),
    ));
  }

  /** Puts what it holds in the place of all data, or without `flush` into what there is. */
  async load(flush: boolean): Promise<void> {
    const { engine, node, log } = this.served;
    const keys = await loadDump(engine!, node, this.file, flush);
    if (keys !== undefined) log(`DB loaded from disk: ${keys} keys of ${this.file}`);
  }

  /** Whether a save point is reached. */
  isDue(nowMs: number): boolean {
    const changes = this.changesSinceSave;
    const passed_s = (nowMs - this.lastSaveMs) / 1000;
    const { savePoints } = this.served.settings;
    return changes > 0 && savePoints.some((point) => changes >= point.changes && passed_s > point.seconds);
  }

  /** Has writes refused after a save failed, where that is wanted. */
  refuseWritesIfUnsaved(): void {
    const { node, settings } = this.served;
    const refused = !this.saving.lastOk && settings.stopWritesOnSaveError && settings.savePoints.length > 0;
    node.writesRefused = refused ? SAVE_FAILED : undefined;
  }

  info(): InfoLines {
    const { saving } = this;
    return [
      ['rdb_changes_since_last_save', this.changesSinceSave],
      ['rdb_bgsave_in_progress', saving.running === undefined ? 0 : 1],
      ['rdb_last_save_time', Math.floor(this.lastSaveMs / 1000)],
      ['rdb_last_bgsave_status', saving.lastOk ? 'ok' : 'err'],
      ['rdb_last_bgsave_time_sec', saving.lastSeconds],
      ['rdb_current_bgsave_time_sec', runningSeconds(saving)],
      ['rdb_saves', this.saves],
      ['rdb_last_cow_size', 0],
    ];
  }

  private get file(): string {
    const { dir, dbFilename } = this.served.settings;
    return join(dir, dbFilename);
  }

  private async write(): Promise<void> {
    const { node, settings } = this.served;
    let dirty = 0;
    const onInstant = (): void => {
      ({ dirty } = node);
    };
    const form = rdbForm({ compress: settings.compress });
    await writeWholeFile(this.file, snapshotRdb(node, { digest: false, form, onInstant }).stream);
    this.dirtyAtSave = dirty;
    this.lastSaveMs = Date.now();
    this.saves++;
  }
}
