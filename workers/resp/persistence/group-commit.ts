import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

/** What a group commit writes to. It gathers what is appended and holds it until it is written. */
export interface CommitSink {
  /** The position after all that was appended. */
  readonly end: number;
  /** Bytes that were appended and not taken to be written yet. */
  readonly gathered: number;
  /** Writes what has gathered and returns the position after it. After a failure it is called again for the same bytes. */
  write(): Promise<number>;
  /** Brings what was written to the disk. `waitedFor`: replies are held until it is done. */
  sync(waitedFor: boolean): Promise<void>;
  /** Begins the error that refuses writes: `the append-only file can't be written`. */
  readonly trouble: string;
  /** How many milliseconds what nobody waits for is gathered; 0 writes it in the tick that it was appended in. */
  readonly gatherMs: number;
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
/** What nobody waits for may be gathered until it is this much. */
const GATHER_BYTES = 262_144;

/**
 * What is appended in a tick goes to the disk in one write and at most one sync, and while these are under way the next
 * batch gathers.
 */
export class GroupCommit {
  /** Everything before it is on the disk. */
  durable: number;
  /** Everything before it was handed to the operating system. */
  written: number;
  /** Why nothing can be appended any more (or for now, while the disk is full). */
  failure: string | undefined;
  /** False leaves syncing to the operating system, except where someone asks for it. */
  syncs = true;
  private readonly sink: CommitSink;
  /** Those who wait for a sync, and those who wait for a write, in the order of their positions. */
  private waiters: Waiter[] = [];
  private writeWaiters: Waiter[] = [];
  /** Whether the batch that gathers, and what was written since the last sync, hold something that waits for a sync. */
  private pendingWaits = false;
  private writtenWaits = false;
  private retrying = false;
  private unsyncedSince: number | undefined;
  private running: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private gathering = false;
  private closing = false;

  constructor(sink: CommitSink, position: number) {
    this.sink = sink;
    this.durable = position;
    this.written = position;
  }

  /** Whether nothing can be appended any more in this process. */
  get broken(): boolean {
    return this.failure !== undefined && !this.retrying;
  }

  /** Replies about what lies before it need not be held; none are while writes are refused anyway. */
  get settled(): number {
    return this.failure === undefined ? this.durable : Infinity;
  }

  /** The same for replies that wait for no sync. */
  get handedOver(): number {
    return this.failure === undefined ? this.written : Infinity;
  }

  /** Whether the disk is so far behind that writers have to slow down. */
  get lagging(): boolean {
    return (
      this.sink.gathered > LAG_BYTES ||
      (this.syncs && this.unsyncedSince !== undefined && performance.now() - this.unsyncedSince > LAG_MS)
    );
  }

  /** To be called before something is appended. `sync`: it is not to wait for the next regular sync. */
  begin(sync: boolean): void {
    if (sync) this.pendingWaits = true;
    this.unsyncedSince ??= performance.now();
    if (this.running === undefined) this.wake();
  }

  /** Calls back once everything appended until now is on the disk, or can't be. */
  whenDurable(done: (durable: boolean) => void): void {
    if (this.broken) done(false);
    else this.waiters.push({ position: this.sink.end, done });
  }

  /** Calls back once everything appended until now was handed to the operating system, or can't be. */
  whenWritten(done: (written: boolean) => void): void {
    if (this.broken) done(false);
    else if (this.sink.end <= this.written) queueMicrotask(() => done(true));
    else this.writeWaiters.push({ position: this.sink.end, done });
  }

  /** Resolves once everything appended until now is on the disk; rejects when it can't be. */
  async sync(): Promise<void> {
    if (this.sink.end > this.durable) {
      this.hurry();
      const durable = await new Promise<boolean>((resolve) => this.whenDurable(resolve));
      if (durable) return;
    }
    if (this.broken) throw new Error(this.failure);
  }

  /** Syncs what was appended until now at once instead of with the next regular sync. */
  hurry(): void {
    if (this.sink.end <= this.durable) return;
    if (this.sink.gathered > 0) this.pendingWaits = true;
    else this.writtenWaits = true;
    this.unsyncedSince ??= performance.now();
    if (this.running === undefined) this.run();
  }

  /** Takes note that the sink has written all that gathered by itself. */
  wroteAll(): void {
    this.written = this.sink.end;
    this.writtenWaits ||= this.pendingWaits;
    this.pendingWaits = false;
    this.tellOf(this.writeWaiters, this.written);
  }

  /** Writes and syncs what is left. */
  async close(): Promise<void> {
    this.closing = true;
    clearTimeout(this.timer);
    if (this.unsyncedSince !== undefined) await this.sync().catch(() => {});
  }

  private wake(): void {
    if (this.flushDue() || this.sink.gatherMs === 0) this.run();
    else if (!this.gathering) {
      this.gathering = true;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.running ?? this.run(), this.sink.gatherMs);
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
      if (this.sink.gathered > 0) await this.flush();
      if (this.syncDue()) await this.syncWritten();
      await nextTurn();
    } while (this.flushDue() || this.syncDue());
    this.running = undefined;
    if (this.unsyncedSince === undefined || this.closing) return;
    if (this.sink.gathered > 0) {
      this.wake();
      return;
    }
    if (!this.syncs) return;
    const due = this.unsyncedSince + SYNC_AFTER_MS - performance.now();
    this.timer = setTimeout(() => this.running ?? this.run(), Math.max(1, due));
  }

  private flushDue(): boolean {
    const { gathered, gatherMs } = this.sink;
    return this.pendingWaits || gathered > (gatherMs === 0 ? 0 : GATHER_BYTES);
  }

  private syncDue(): boolean {
    if (this.unsyncedSince === undefined) return false;
    return this.writtenWaits || (this.syncs && performance.now() - this.unsyncedSince >= SYNC_AFTER_MS);
  }

  private async flush(): Promise<void> {
    this.writtenWaits ||= this.pendingWaits;
    this.pendingWaits = false;
    this.written = await this.withRetry(() => this.sink.write());
    this.tellOf(this.writeWaiters, this.written);
  }

  private async syncWritten(): Promise<void> {
    const { written, writtenWaits } = this;
    this.writtenWaits = false;
    // What is appended from here on counts from its own time; what gathered during the write is at most that old.
    this.unsyncedSince = this.sink.gathered > 0 ? performance.now() : undefined;
    await this.sink.sync(writtenWaits);
    this.durable = written;
    this.tellOf(this.waiters, written);
  }

  /** Tells those who waited for what lies before a position. */
  private tellOf(waiters: Waiter[], position: number): void {
    let done = 0;
    while (done < waiters.length && waiters[done]!.position <= position) done++;
    this.tell(waiters.splice(0, done), true);
  }

  /** A full disk is waited for: nothing is lost meanwhile, since the batch stays in memory and writes are refused. */
  private async withRetry(write: () => Promise<number>): Promise<number> {
    for (;;) {
      try {
        const written = await write();
        if (this.retrying) this.failure = undefined;
        this.retrying = false;
        return written;
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
    this.failure = `${this.sink.trouble}: ${reason}; restart the engine once the disk is right`;
    this.unsyncedSince = undefined;
    clearTimeout(this.timer);
    this.tell([...this.writeWaiters.splice(0), ...this.waiters.splice(0)], false);
  }

  /** Not from within, so that an error of a listener is not taken for one of the disk. */
  private tell(waiters: readonly Waiter[], durable: boolean): void {
    if (waiters.length === 0) return;
    queueMicrotask(() => {
      for (const { done } of waiters) done(durable);
    });
  }
}
