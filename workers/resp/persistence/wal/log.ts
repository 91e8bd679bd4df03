import type { FileHandle } from 'node:fs/promises';
import { unlink } from 'node:fs/promises';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

import { RecordBuffer } from './record.ts';
import { createSegment, SEGMENT_HEADER, syncFolder } from './segment.ts';
import type { Segment } from './segment.ts';

/** Called at each step between which a crash could fall; tests end the process there, or throw to make the step fail. */
export type Probe = (step: string) => void;

export interface LogOptions {
  readonly dir: string;
  readonly segmentBytes: number;
  readonly probe: Probe;
  /** Called after a new segment was begun. */
  readonly onRotate: () => void;
}

interface Waiter {
  readonly position: number;
  readonly done: (durable: boolean) => void;
}

/** How long something written may stay unsynced, in milliseconds, less than the second that `everysec` promises. */
const SYNC_AFTER_MS = 900;
/** When the disk is this far behind, nodes that do not wait for it do so too, so that memory stays bounded. */
const LAG_BYTES = 33_554_432;
const LAG_MS = 3000;
const RETRY_MS = 1000;
/** What nobody waits for is gathered for some milliseconds, or until it is this much: fewer writes, and all of it within the second. */
const GATHER_MS = 5;
const GATHER_BYTES = 262_144;

/**
 * The one log of a process: what is appended in a tick goes to the disk in one write and at most one sync, and while
 * these are under way the next batch gathers (group commit).
 */
export class SharedLog {
  readonly segments: Segment[];
  /** Everything before it is on the disk. */
  durable: number;
  /** Why nothing can be appended any more (or for now, while the disk is full). */
  failure: string | undefined;
  private written: number;
  private pending = new RecordBuffer();
  private spare = new RecordBuffer();
  private handle: FileHandle | undefined;
  private readonly options: LogOptions;
  private waiters: Waiter[] = [];
  /** Whether the batch that gathers, and what was written since the last sync, hold something that waits for a sync. */
  private pendingWaits = false;
  private writtenWaits = false;
  private retrying = false;
  private unsyncedSince: number | undefined;
  private running: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private gathering = false;
  private closing = false;

  constructor(options: LogOptions, segments: Segment[], position: number) {
    this.options = options;
    this.segments = segments;
    this.durable = position;
    this.written = position;
    this.pending.reset(position);
  }

  /** The position after all that was appended. */
  get position(): number {
    return this.pending.end;
  }

  /** Everything before it can be read from the segments. */
  get readable(): number {
    return this.written;
  }

  /** Whether nothing can be appended any more in this process. */
  get broken(): boolean {
    return this.failure !== undefined && !this.retrying;
  }

  /** Replies about what lies before it need not be held; none are while writes are refused anyway. */
  get settled(): number {
    return this.failure === undefined ? this.durable : Infinity;
  }

  /** Bytes of all segments. */
  get bytes(): number {
    return this.segments.length === 0 ? 0 : this.position - this.segments[0]!.start;
  }

  /** Whether the disk is so far behind that writers have to slow down. */
  get lagging(): boolean {
    return (
      this.pending.length > LAG_BYTES ||
      (this.unsyncedSince !== undefined && performance.now() - this.unsyncedSince > LAG_MS)
    );
  }

  /** The buffer to append a record to. `sync`: it is not to wait for the next regular sync. */
  buffer(sync: boolean): RecordBuffer {
    const { pending } = this;
    if (pending.length === 0) pending.reserveBatch();
    if (sync) this.pendingWaits = true;
    this.unsyncedSince ??= performance.now();
    if (this.running === undefined) this.wake();
    return pending;
  }

  /** Calls back once everything appended until now is on the disk, or can't be. */
  whenDurable(done: (durable: boolean) => void): void {
    if (this.broken) done(false);
    else this.waiters.push({ position: this.position, done });
  }

  /** Resolves once everything appended until now is on the disk; rejects when it can't be. */
  async sync(): Promise<void> {
    if (this.position > this.durable) {
      if (this.pending.length > 0) this.pendingWaits = true;
      else this.writtenWaits = true;
      if (this.running === undefined) this.run();
      const durable = await new Promise<boolean>((resolve) => this.whenDurable(resolve));
      if (durable) return;
    }
    if (this.broken) throw new Error(this.failure);
  }

  /** Removes the segments that lie wholly before a position; the one that is written to stays. */
  async release(before: number): Promise<void> {
    while (this.segments.length > 1 && this.segments[1]!.start <= before) {
      const { file } = this.segments.shift()!;
      this.options.probe('segment-delete');
      await unlink(file);
      // One by one: a crash must not leave an older segment and not the one after it.
      await syncFolder(this.options.dir);
    }
  }

  /** Writes and syncs what is left, and a last word that says so, by which later damage is told from a torn end. */
  async close(): Promise<void> {
    this.closing = true;
    clearTimeout(this.timer);
    if (this.unsyncedSince !== undefined) await this.sync().catch(() => {});
    if (this.handle === undefined) return;
    if (!this.broken) {
      this.buffer(true);
      await this.sync().catch(() => {});
    }
    await this.handle.close();
    this.handle = undefined;
  }

  private wake(): void {
    if (this.flushDue()) this.run();
    else if (!this.gathering) {
      this.gathering = true;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.running ?? this.run(), GATHER_MS);
    }
  }

  private run(): void {
    this.running = this.work().catch((error: unknown) => this.fail(error));
  }

  private async work(): Promise<void> {
    clearTimeout(this.timer);
    this.gathering = false;
    // What arrives in this turn of the event loop joins the batch.
    await nextTurn();
    do {
      if (this.pending.length > 0) await this.flush();
      if (this.syncDue()) await this.syncWritten();
      await nextTurn();
    } while (this.flushDue() || this.syncDue());
    this.running = undefined;
    if (this.unsyncedSince === undefined || this.closing) return;
    if (this.pending.length > 0) {
      this.wake();
      return;
    }
    const due = this.unsyncedSince + SYNC_AFTER_MS - performance.now();
    this.timer = setTimeout(() => this.running ?? this.run(), Math.max(1, due));
  }

  private flushDue(): boolean {
    return this.pendingWaits || this.pending.length > GATHER_BYTES;
  }

  private syncDue(): boolean {
    if (this.unsyncedSince === undefined) return false;
    return this.writtenWaits || performance.now() - this.unsyncedSince >= SYNC_AFTER_MS;
  }

  private async flush(): Promise<void> {
    const batch = this.pending;
    this.writtenWaits ||= this.pendingWaits;
    this.pendingWaits = false;
    this.pending = this.spare;
    this.pending.reset(batch.end);
    this.spare = batch;
    batch.fillBatch(this.durable, Date.now());
    await this.withRetry(() => this.write(batch));
    this.written = batch.end;
  }

  private async write(batch: RecordBuffer): Promise<void> {
    const last = this.segments.at(-1);
    if (this.handle === undefined || batch.position - last!.start >= this.options.segmentBytes) {
      await this.rotate(batch.position);
    }
    const { start } = this.segments.at(-1)!;
    const bytes = batch.view();
    const offset = batch.position - start + SEGMENT_HEADER;
    this.options.probe('write');
    for (let at = 0; at < bytes.length;) {
      at += (await this.handle!.write(bytes, at, bytes.length - at, offset + at)).bytesWritten;
    }
    this.options.probe('written');
  }

  private async rotate(start: number): Promise<void> {
    if (this.handle !== undefined) {
      // A segment is complete on the disk before the next begins: only the last one can have a torn end.
      this.options.probe('rotate-sync');
      await this.handle.datasync();
      await this.handle.close();
      this.handle = undefined;
    }
    this.options.probe('segment-create');
    const made = await createSegment(this.options.dir, start);
    this.options.probe('segment-created');
    this.handle = made.handle;
    if (this.segments.at(-1)?.start === start) this.segments.pop();
    this.segments.push(made.segment);
    this.options.onRotate();
  }

  private async syncWritten(): Promise<void> {
    const { written } = this;
    this.writtenWaits = false;
    // What is appended from here on counts from its own time; what gathered during the write is at most that old.
    this.unsyncedSince = this.pending.length > 0 ? performance.now() : undefined;
    this.options.probe('sync');
    await this.handle!.datasync();
    this.options.probe('synced');
    this.durable = written;
    let done = 0;
    while (done < this.waiters.length && this.waiters[done]!.position <= written) done++;
    this.tell(this.waiters.splice(0, done), true);
  }

  /** A full disk is waited for: nothing is lost meanwhile, since the batch stays in memory and writes are refused. */
  private async withRetry(write: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        await write();
        if (this.retrying) this.failure = undefined;
        this.retrying = false;
        return;
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? error.code : undefined;
        if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
        this.retrying = true;
        this.failure = 'the disk is full; writes go on when there is room again';
        if (this.closing) throw error;
        await sleep(RETRY_MS);
      }
    }
  }

  /** After a failed sync nobody knows what is on the disk, so nothing is tried again in this process. */
  private fail(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.retrying = false;
    this.failure = `the write-ahead log can't be written: ${reason}; restart the engine once the disk is right`;
    this.unsyncedSince = undefined;
    clearTimeout(this.timer);
    this.tell(this.waiters.splice(0), false);
  }

  /** Not from within, so that an error of a listener is not taken for one of the disk. */
  private tell(waiters: readonly Waiter[], durable: boolean): void {
    if (waiters.length === 0) return;
    queueMicrotask(() => {
      for (const { done } of waiters) done(durable);
    });
  }
}
