import { open, stat, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

import { listBases, placeBase, removeFile } from './bases.ts';
import type { FoundBases } from './bases.ts';
import { examine } from './damage.ts';
import { addRecord, newHistory } from './history.ts';
import type { NodeHistory } from './history.ts';
import { KIND } from './record.ts';
import type { LogRecord } from './record.ts';
import { hasHeader, listSegments, LogDamaged, readSegment, SEGMENT_HEADER } from './segment.ts';
import type { Segment } from './segment.ts';

/** A place in a file, and what is wrong there. */
interface DamagedPlace {
  readonly file: string;
  readonly offset: number;
  readonly reason: string;
}

/** What was found when a log was opened. */
export interface RecoveryReport {
  readonly segments: number;
  readonly records: number;
  readonly bytes: number;
  /** Records of epochs that had lapsed, which are ignored. */
  readonly staleRecords: number;
  /** What was cut off the end because a crash had left it unfinished: none of it was ever synced. */
  readonly cut: { readonly file: string; readonly offset: number; readonly bytes: number } | undefined;
  /** The first damaged place before the end. Nodes that can't be proven to be untouched by it do not start. */
  readonly damage: DamagedPlace | undefined;
  /** Nodes that can't be recovered, and why. */
  readonly failed: ReadonlyMap<string, string>;
}

/** A log as it was found, with its end and its folders brought in order. */
export interface ScannedLog {
  readonly segments: Segment[];
  readonly position: number;
  readonly histories: Map<string, NodeHistory>;
  readonly report: RecoveryReport;
}

/**
 * Reads all segments and the names of all bases and checks that nothing is missing. Throws LogDamaged when it can't be
 * told which nodes are whole.
 */
export async function scanLog(dir: string, basesDir: string): Promise<ScannedLog> {
  const segments = await listSegments(dir);
  const found = await listBases(basesDir);
  const scan = new Scan(found);
  for (const [index, segment] of [...segments].entries()) {
    if (!(await scan.segment(segment, segments[index + 1]))) segments.pop();
  }
  const { histories, position, damage } = scan;
  for (const history of histories.values()) {
    if (scan.doubtful.has(history.id)) {
      history.failure ??= `it can't be proven that it was not hit by the damage of the log (${damage!.reason})`;
    }
    if (history.replacing !== undefined) await finishReplace(basesDir, history, found);
    if (history.base === undefined && history.bytes === 0) history.from = undefined;
  }
  await removeLeftovers(histories, found);
  const failed = [...histories.values()].filter(({ failure }) => failure !== undefined);
  const report = {
    ...scan.counts,
    segments: segments.length,
    cut: scan.cut,
    damage,
    failed: new Map(failed.map(({ id, failure }) => [id, failure!])),
  };
  return { segments, position, histories, report };
}

/** Puts the base in its place that a `replace` record has named, when a crash came in between. */
async function finishReplace(basesDir: string, history: NodeHistory, { staged }: FoundBases): Promise<void> {
  const { name, end } = history.replacing!;
  const file = staged.find((one) => one.name === name)?.file;
  if (file === undefined) {
    history.failure = `the base ${name} that it was replaced with is missing`;
    return;
  }
  const { size } = await stat(file);
  history.base = await placeBase(basesDir, history.id, { file, bytes: size }, end);
  history.bytes -= end - history.from!;
  history.from = end;
  history.replacing = undefined;
}

/** Removes bases that were superseded and those of replacements that never came into force. */
async function removeLeftovers(histories: Map<string, NodeHistory>, { bases, staged }: FoundBases): Promise<void> {
  const kept = new Set([...histories.values()].map(({ base }) => base?.file));
  for (const base of [...bases.values()].flat()) if (!kept.has(base.file)) await removeFile(base.file);
  for (const { file } of staged) await removeFile(file);
}

/** What has been understood of a log so far. */
class Scan {
  readonly histories = new Map<string, NodeHistory>();
  /** Nodes that a damaged place may have hit. */
  readonly doubtful = new Set<string>();
  readonly counts = { records: 0, bytes: 0, staleRecords: 0 };
  position = 0;
  cut: RecoveryReport['cut'];
  damage: DamagedPlace | undefined;
  private begun = false;
  private readonly seen = new Set<string>();

  constructor({ bases }: FoundBases) {
    for (const [id, [base]] of bases) this.histories.set(id, { ...newHistory(id), base, from: base!.position });
  }

  /** Reads a segment; false when it was the last one, begun but without a record, and has been removed. */
  async segment(segment: Segment, next: Segment | undefined): Promise<boolean> {
    if (this.begun && this.position !== segment.start) {
      throw new LogDamaged(segment.file, 0, `the log from position ${this.position} to ${segment.start} is missing`);
    }
    this.begun = true;
    this.position = segment.start;
    const handle = await open(segment.file, 'r+');
    try {
      const { size } = await handle.stat();
      if (!(await hasHeader(handle, segment))) {
        if (next !== undefined || size > SEGMENT_HEADER) throw new LogDamaged(segment.file, 0, 'its header is wrong');
        await unlink(segment.file);
        return false;
      }
      const end = Math.min(segment.start + size - SEGMENT_HEADER, next?.start ?? Infinity);
      this.position = await this.records(handle, segment, end, next);
      if (next !== undefined) {
        if (this.position < next.start) this.damaged(segment, this.position, next.start);
        this.position = next.start;
      }
      this.counts.bytes += this.position - segment.start;
      return true;
    } finally {
      await handle.close();
    }
  }

  /** Reads the records of a segment, over damaged places, and returns the position after the last good one. */
  private async records(handle: FileHandle, segment: Segment, end: number, next?: Segment): Promise<number> {
    let from = segment.start;
    for (;;) {
      const position = await readSegment(handle, segment, from, end, (record) => this.add(record));
      if (position === end) return position;
      const found = await examine(handle, segment, position);
      if (found.torn && next === undefined) {
        const offset = position - segment.start + SEGMENT_HEADER;
        await handle.truncate(offset);
        await handle.datasync();
        if (found.bytes > 0) this.cut = { file: segment.file, offset, bytes: found.bytes };
        return position;
      }
      if (found.resume === undefined) return position;
      this.damaged(segment, position, found.resume);
      from = found.resume;
    }
  }

  private damaged(segment: Segment, position: number, resume: number): void {
    const offset = position - segment.start + SEGMENT_HEADER;
    const reason = `${segment.file} can't be read from byte ${offset} to ${resume - segment.start + SEGMENT_HEADER}`;
    this.damage ??= { file: segment.file, offset, reason };
    for (const { id, base } of this.histories.values()) {
      if (base === undefined || base.position < resume) this.doubtful.add(id);
    }
  }

  private add(record: LogRecord): void {
    this.counts.records++;
    if (record.kind === KIND.batch) return;
    let history = this.histories.get(record.node);
    if (history === undefined) {
      history = newHistory(record.node);
      this.histories.set(record.node, history);
    }
    const firstSeen = !this.seen.has(record.node);
    this.seen.add(record.node);
    const expected = history.sequence + 1;
    if (!addRecord(history, record, firstSeen)) {
      this.counts.staleRecords++;
      return;
    }
    // A node whose numbers go on over the damaged place has lost nothing there; nor has one that begins anew after it.
    const founding = record.kind === KIND.empty || record.kind === KIND.replace;
    if (founding || (!firstSeen && record.sequence === expected)) this.doubtful.delete(record.node);
  }
}

/** Throws LogDamaged when a base stands for more than the log has: then the log has lost its end. */
export function checkEnd({ histories, position }: ScannedLog): void {
  for (const { base } of histories.values()) {
    if (base !== undefined && base.position > position) {
      throw new LogDamaged(base.file, 0, `it follows position ${base.position} of a log that ends at ${position}`);
    }
  }
}
