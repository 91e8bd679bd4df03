import type { FileHandle } from 'node:fs/promises';

import { readRecord } from './record.ts';
import { SEGMENT_HEADER } from './segment.ts';
import type { Segment } from './segment.ts';

/** What lies behind the first byte of a segment that can't be read. */
export interface Damage {
  /** Bytes from there to the last one that was written; 0 when there is only room for what was to come. */
  readonly bytes: number;
  /** The position of the next record that is whole and right, if there is one. */
  readonly resume: number | undefined;
  /**
   * True when it can be what a crash leaves of writes that were never synced: nothing readable follows, or the disk
   * wrote later blocks and not this one, and no later record says that this place was on the disk.
   */
  readonly torn: boolean;
}

const BLOCK = 512;

/** Looks at what lies behind the first byte that can't be read. */
export async function examine(handle: FileHandle, { start }: Segment, position: number): Promise<Damage> {
  const offset = position - start + SEGMENT_HEADER;
  const rest = await writtenFrom(handle, offset);
  let resume: number | undefined;
  let synced = false;
  for (let at = 1; at < rest.length; at++) {
    const record = readRecord(rest, at, position + at);
    if (record === undefined || 'needs' in record) continue;
    resume ??= record.position;
    if (record.kind === 1 && record.syncedTo > position) synced = true;
    at += record.end - record.position - 1;
  }
  const torn = resume === undefined || (!synced && hasUnwrittenBlock(rest, offset, resume - position));
  return { bytes: rest.length, resume, torn };
}

/** What is in a file from an offset on, without the zeros at its end. */
async function writtenFrom(handle: FileHandle, offset: number): Promise<Buffer> {
  const { size } = await handle.stat();
  const rest = Buffer.alloc(Math.max(0, size - offset));
  await handle.read(rest, 0, rest.length, offset);
  let { length } = rest;
  while (length > 0 && rest[length - 1] === 0) length--;
  return rest.subarray(0, length);
}

/**
 * Whether some block of the disk between here and the next good record was not written: it reads as zeros, from its
 * beginning or from the place where what can be read ends, to its end.
 */
function hasUnwrittenBlock(rest: Buffer, offset: number, length: number): boolean {
  for (let at = 0; at < length;) {
    const end = at + BLOCK - ((offset + at) % BLOCK);
    const block = rest.subarray(at, end);
    if (end <= rest.length && block.every((byte) => byte === 0)) return true;
    at = end;
  }
  return false;
}
