import { fdatasyncSync, writeSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { unlink } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { DiskPace } from '../disk-pace.ts';
import { GroupCommit } from '../group-commit.ts';
import type { CommitSink } from '../group-commit.ts';
import { writeParts } from '../write-parts.ts';
import { RecordBuffer } from './record-buffer.ts';
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

/** How much room is made at a time: syncs of a file that need not record a new size of it take half the time. */
const ROOM_BYTES = 262_144;
const ROOM = Buffer.alloc(ROOM_BYTES);

/** The one log of a process, in segments. */
export class SharedLog implements CommitSink {
  readonly segments: Segment[];
  readonly trouble = "the write-ahead log can't be written";
  // Thousands of nodes share the log, and few of them wait: fewer writes, and all of it within the second.
  readonly gatherMs = 5;
  private pending = new RecordBuffer();
  private spare = new RecordBuffer();
  /** The batch that is being written. */
  private batch: RecordBuffer | undefined;
  private handle: FileHandle | undefined;
  /** Size of the file that is written to, room that was made included. */
  private fileBytes = 0;
  private readonly options: LogOptions;
  private readonly commit: GroupCommit;
  private readonly writePace = new DiskPace();
  private readonly syncPace = new DiskPace();

  constructor(options: LogOptions, segments: Segment[], position: number) {
    this.options = options;
    this.segments = segments;
    this.commit = new GroupCommit(this, position);
    this.pending.reset(position);
  }

  /** The position after all that was appended. */
  get end(): number {
    return this.pending.end;
  }

  get gathered(): number {
    return this.pending.size;
  }

  /** Everything before it is on the disk. */
  get durable(): number {
    return this.commit.durable;
  }

  /** Everything before it can be read from the segments. */
  get readable(): number {
    return this.commit.written;
  }

  /** Why nothing can be appended any more (or for now, while the disk is full). */
  get failure(): string | undefined {
    return this.commit.failure;
  }

  /** Whether nothing can be appended any more in this process. */
  get broken(): boolean {
    return this.commit.broken;
  }

  /** Replies about what lies before it need not be held. */
  get settled(): number {
    return this.commit.settled;
  }

  /** Whether the disk is so far behind that writers have to slow down. */
  get lagging(): boolean {
    return this.commit.lagging;
  }

  /** Bytes of all segments. */
  get bytes(): number {
    return this.segments.length === 0 ? 0 : this.end - this.segments[0]!.start;
  }

  /** The position that parts what was appended until now from what will be: no record lies on both sides of it. */
  cut(): number {
    this.pending.seal();
    return this.end;
  }

  /** The buffer to append to. `sync`: it is not to wait for the next regular sync. */
  buffer(sync: boolean): RecordBuffer {
    const { pending } = this;
    if (pending.length === 0) pending.reserveBatch();
    if (sync) pending.waitedFor = true;
    this.commit.begin(sync);
    return pending;
  }

  /** Calls back once everything appended until now is on the disk, or can't be. */
  whenDurable(done: (durable: boolean) => void): void {
    this.commit.whenDurable(done);
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

  /** Resolves once everything appended until now is on the disk; rejects when it can't be. */
  settle(): Promise<void> {
    return this.commit.sync();
  }

  /** Writes and syncs what is left, and a last word that says so, by which later damage is told from a torn end. */
  async close(): Promise<void> {
    await this.commit.close();
    if (this.handle === undefined) return;
    if (!this.broken) {
      this.buffer(true);
      await this.settle().catch(() => {});
    }
    if (this.broken) await this.handle.close();
    else await this.endSegment(this.handle, this.readable);
    this.handle = undefined;
  }

  async write(): Promise<number> {
    const batch = (this.batch ??= this.takeBatch());
    const last = this.segments.at(-1);
    if (this.handle === undefined || batch.position - last!.start >= this.options.segmentBytes) {
      await this.rotate(batch.position);
    }
    const { start } = this.segments.at(-1)!;
    for (const _ of batch.sealLarge()) await nextTurn();
    const offset = batch.position - start + SEGMENT_HEADER;
    this.options.probe('write');
    const fileEnd = await writeParts(this.handle!, batch.parts(), offset, this.writePace);
    this.options.probe('written');
    this.fileBytes = Math.max(this.fileBytes, fileEnd);
    if (batch.waitedFor && fileEnd === this.fileBytes) this.makeRoom();
    const { end } = batch;
    batch.written();
    this.spare = batch;
    this.batch = undefined;
    return end;
  }

  async sync(waitedFor: boolean): Promise<void> {
    const since = performance.now();
    this.options.probe('sync');
    if (waitedFor && this.syncPace.inline) fdatasyncSync(this.handle!.fd);
    else await this.handle!.datasync();
    this.options.probe('synced');
    this.syncPace.took(since);
  }

  private takeBatch(): RecordBuffer {
    const batch = this.pending;
    this.pending = this.spare;
    this.pending.reset(batch.end);
    batch.fillBatch(this.durable, Date.now());
    return batch;
  }

  /** Lengthens the segment by zeros, which the next batches are written over. */
  private makeRoom(): void {
    const { segmentBytes } = this.options;
    const size = Math.min(ROOM_BYTES, SEGMENT_HEADER + segmentBytes - this.fileBytes);
    if (size <= 0) return;
    try {
      this.fileBytes += writeSync(this.handle!.fd, ROOM, 0, size, this.fileBytes);
    } catch {
      // It goes without, and a disk that is full is noticed by the next batch.
    }
  }

  /** Ends the segment that is written to, complete on the disk and without the room that was left. */
  private async endSegment(handle: FileHandle, end: number): Promise<void> {
    await handle.truncate(end - this.segments.at(-1)!.start + SEGMENT_HEADER);
    await handle.datasync();
    await handle.close();
  }

  private async rotate(start: number): Promise<void> {
    if (this.handle !== undefined) {
      // Only the last segment can have a torn end.
      this.options.probe('rotate-sync');
      await this.endSegment(this.handle, start);
      this.handle = undefined;
    }
    this.options.probe('segment-create');
    const made = await createSegment(this.options.dir, start);
    this.options.probe('segment-created');
    this.handle = made.handle;
    this.fileBytes = SEGMENT_HEADER;
    if (this.segments.at(-1)?.start === start) this.segments.pop();
    this.segments.push(made.segment);
    this.options.onRotate();
  }
}
