import { fdatasyncSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

import type { Effect, NodeJournal } from '../../keyspace/journal.ts';
import { DiskPace } from '../disk-pace.ts';
import { writeAllSync, writeParts } from '../write-parts.ts';
import { GroupCommit } from '../group-commit.ts';
import type { CommitSink } from '../group-commit.ts';
import { CommandBuffer } from './command-buffer.ts';

export type FsyncPolicy = 'always' | 'everysec' | 'no';

/** The file that is appended to, and its size when that began. */
interface Increment {
  readonly handle: FileHandle;
  readonly size: number;
}

/** The append-only file that is being written: effects as commands in RESP, grouped into one write and one sync a tick. */
export class AofJournal implements NodeJournal, CommitSink {
  readonly trouble = "the append-only file can't be written";
  // As in Redis, a process that is killed loses nothing that it has written about: only the machine can.
  readonly gatherMs = 0;
  /** Whether lines tell when what follows was written. */
  timestamps = false;
  private policy: FsyncPolicy;
  private pending = new CommandBuffer();
  private spare = new CommandBuffer();
  /** The batch that is being written. */
  private batch: CommandBuffer | undefined;
  /** Bytes handed over in batches since the journal began; what gathers comes on top. */
  private taken = 0;
  private increment: Increment;
  /** The value of `taken` when the increment began. */
  private incrementFrom = 0;
  private db = -1;
  private stampSeconds = 0;
  private readonly commit: GroupCommit;
  private readonly writePace = new DiskPace();
  private readonly syncPace = new DiskPace();

  constructor(increment: Increment, policy: FsyncPolicy) {
    this.increment = increment;
    this.policy = policy;
    this.commit = new GroupCommit(this, 0);
    this.commit.syncs = policy !== 'no';
  }

  /** What appendfsync says. */
  get fsync(): FsyncPolicy {
    return this.policy;
  }

  set fsync(policy: FsyncPolicy) {
    this.policy = policy;
    this.commit.syncs = policy !== 'no';
    if (policy === 'always') this.commit.hurry();
  }

  /** Bytes of the current increment, those that gather included. */
  get incrementBytes(): number {
    return this.increment.size + this.end - this.incrementFrom;
  }

  get end(): number {
    return this.taken + this.pending.size;
  }

  get gathered(): number {
    return this.pending.size + (this.batch?.size ?? 0);
  }

  append(db: number, args: readonly string[]): void {
    if (this.commit.broken) return;
    this.begin(db);
    this.pending.command(args);
  }

  appendBlock(effects: readonly Effect[]): void {
    if (this.commit.broken) return;
    this.begin(effects[0]!.db);
    this.pending.command(['MULTI']);
    for (const { db, args } of effects) {
      if (db !== this.db) this.select(db);
      this.pending.command(args);
    }
    this.pending.command(['EXEC']);
  }

  get records(): boolean {
    return true;
  }

  get holdsReplies(): boolean {
    return this.end > (this.waitsForSync ? this.commit.settled : this.commit.handedOver);
  }

  whenKept(callback: (kept: boolean) => void): void {
    if (this.waitsForSync) this.commit.whenDurable(callback);
    else this.commit.whenWritten(callback);
  }

  /** As in Redis a reply leaves after the write of what it tells of: a process that is killed has lost none of that. */
  private get waitsForSync(): boolean {
    return this.policy === 'always' || this.commit.lagging;
  }

  get isDurable(): boolean {
    return this.end <= this.commit.durable;
  }

  whenDurable(callback: (durable: boolean) => void): void {
    if (this.isDurable) queueMicrotask(() => callback(true));
    else {
      this.commit.whenDurable(callback);
      if (this.policy === 'no') this.commit.hurry();
    }
  }

  get failure(): string | undefined {
    return this.commit.failure;
  }

  /** Resolves once everything appended until now is on the disk; rejects when it can't be. */
  settle(): Promise<void> {
    return this.commit.sync();
  }

  /** Whether no write is under way, so that the increment can be switched. */
  get idle(): boolean {
    return this.batch === undefined;
  }

  /**
   * Ends the increment, complete on the disk, and goes on with another one, at once. Returns the old file, to be closed.
   * Only while it is idle.
   */
  switchTo(handle: FileHandle): FileHandle {
    const old = this.increment.handle;
    const batch = this.takeBatch();
    writeAllSync(old.fd, [...batch.parts()], this.offset(batch));
    // Little is left to sync, and the next increment must not be on the disk before the end of this one.
    fdatasyncSync(old.fd);
    this.doneWith(batch);
    this.commit.wroteAll();
    this.increment = { handle, size: 0 };
    this.incrementFrom = this.taken;
    this.db = -1;
    this.stampSeconds = 0;
    return old;
  }

  /** Writes and syncs what is left. */
  async close(): Promise<void> {
    await this.commit.close();
    if (!this.commit.broken) await this.settle().catch(() => {});
    await this.increment.handle.close();
  }

  async write(): Promise<number> {
    const batch = (this.batch ??= this.takeBatch());
    await writeParts(this.increment.handle, batch.parts(), this.offset(batch), this.writePace);
    this.doneWith(batch);
    return this.taken;
  }

  async sync(waitedFor: boolean): Promise<void> {
    const since = performance.now();
    const { handle } = this.increment;
    if (waitedFor && this.syncPace.inline) fdatasyncSync(handle.fd);
    else await handle.datasync();
    this.syncPace.took(since);
  }

  /** Where in the increment a batch that was taken begins. */
  private offset(batch: CommandBuffer): number {
    return this.increment.size + this.taken - batch.size - this.incrementFrom;
  }

  private takeBatch(): CommandBuffer {
    const batch = this.pending;
    this.batch = batch;
    this.taken += batch.size;
    this.pending = this.spare;
    this.pending.reset();
    return batch;
  }

  private doneWith(batch: CommandBuffer): void {
    batch.written();
    this.spare = batch;
    this.batch = undefined;
  }

  private begin(db: number): void {
    this.commit.begin(this.policy === 'always');
    if (this.timestamps) this.stamp();
    if (db !== this.db) this.select(db);
  }

  private select(db: number): void {
    this.db = db;
    this.pending.command(['SELECT', String(db)]);
  }

  private stamp(): void {
    const seconds = Math.floor(Date.now() / 1000);
    if (seconds <= this.stampSeconds) return;
    this.stampSeconds = seconds;
    this.pending.line(`#TS:${seconds}`);
  }
}
