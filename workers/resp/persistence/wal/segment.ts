import { constants } from 'node:fs';
import { mkdir, open, readdir } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { crc32 } from 'node:zlib';

import { readRecord } from './record.ts';
import type { LogRecord } from './record.ts';

/**
 * A file of the log. Its header is a name, the version of the form, the position of its first record (u48), and a CRC-32 of
 * all that. Behind the last record of the last segment there may be zeros: room that was made for what is to come.
 */
export interface Segment {
  readonly file: string;
  /** The position of its first record. */
  readonly start: number;
}

export const SEGMENT_HEADER = 18;
const NAME = Buffer.from('MRWAL\0\0', 'latin1');
/** Version 1 had a record for each effect. */
const VERSION = 2;
/** How much is read at a time: what is applied between two turns of others. */
const WINDOW = 131_072;

/** What is wrong with a file that nobody but an operator should decide about. */
export class LogDamaged extends Error {
  readonly file: string;
  readonly offset: number;

  constructor(file: string, offset: number, reason: string) {
    super(
      `The write-ahead log is damaged: ${file}, byte ${offset}: ${reason}. Restore the file, or the nodes from backups.`,
    );
    this.name = 'LogDamaged';
    this.file = file;
    this.offset = offset;
  }
}

export function segmentFile(dir: string, start: number): string {
  return join(dir, `${String(start).padStart(16, '0')}.wal`);
}

/** Makes a folder known to the disk: after files in it came, went or changed their name. */
export async function syncFolder(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a folder that outlives a crash, when it is not there. */
export async function makeFolder(dir: string): Promise<void> {
  const first = await mkdir(dir, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = resolve(dir); made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** The segments of a folder in order, which is made when it is not there. */
export async function listSegments(dir: string): Promise<Segment[]> {
  await makeFolder(dir);
  const starts = (await readdir(dir)).flatMap((name) => /^(\d{16})\.wal$/.exec(name)?.[1] ?? []);
  return starts.sort().map((digits) => ({ file: segmentFile(dir, Number(digits)), start: Number(digits) }));
}

/** Makes a new segment; it is on the disk when this resolves. */
export async function createSegment(dir: string, start: number): Promise<{ segment: Segment; handle: FileHandle }> {
  const segment = { file: segmentFile(dir, start), start };
  const { O_CREAT, O_TRUNC, O_RDWR } = constants;
  const handle = await open(segment.file, O_CREAT | O_TRUNC | O_RDWR, 0o600);
  const header = Buffer.alloc(SEGMENT_HEADER);
  NAME.copy(header);
  header[NAME.length] = VERSION;
  header.writeUIntLE(start, 8, 6);
  header.writeUInt32LE(crc32(header.subarray(0, 14)), 14);
  await handle.write(header, 0, header.length, 0);
  await handle.datasync();
  await syncFolder(dir);
  return { segment, handle };
}

/** Whether a segment's header is whole and right. Throws when it is that of another version. */
export async function hasHeader(handle: FileHandle, { file, start }: Segment): Promise<boolean> {
  const header = Buffer.alloc(SEGMENT_HEADER);
  const { bytesRead } = await handle.read(header, 0, SEGMENT_HEADER, 0);
  if (bytesRead < SEGMENT_HEADER || !header.subarray(0, NAME.length).equals(NAME)) return false;
  if (header.readUInt32LE(14) !== crc32(header.subarray(0, 14))) return false;
  const version = header[NAME.length];
  if (version === VERSION) return header.readUIntLE(8, 6) === start;
  throw new Error(
    `${file} is of version ${version} of the write-ahead log, and this engine reads version ${VERSION}. Start the MiniRedis that wrote it and take backups, or begin with an empty home.`,
  );
}

/**
 * Visits the records of a segment from one position to another, in slices, and returns the position after the last one
 * that is whole and right: less than `until` when the segment ends or is damaged there.
 */
export async function readSegment(
  handle: FileHandle,
  { start }: Segment,
  from: number,
  until: number,
  visit: (record: LogRecord) => void,
): Promise<number> {
  let position = from;
  let window = Buffer.allocUnsafe(WINDOW);
  for (;;) {
    const wanted = Math.min(window.length, until - position);
    if (wanted <= 0) return position;
    const { bytesRead } = await handle.read(window, 0, wanted, position - start + SEGMENT_HEADER);
    const bytes = window.subarray(0, bytesRead);
    let at = 0;
    for (;;) {
      const record = readRecord(bytes, at, position);
      if (record === undefined) return position;
      if ('needs' in record) {
        if (bytesRead < wanted || position + record.needs > until) return position;
        if (record.needs > window.length) {
          const { size } = await handle.stat();
          if (position - start + SEGMENT_HEADER + record.needs > size) return position;
          window = Buffer.allocUnsafe(record.needs);
        }
        break;
      }
      visit(record);
      at += record.end - position;
      position = record.end;
    }
  }
}
