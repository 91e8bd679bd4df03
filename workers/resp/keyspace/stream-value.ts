import { arrayBytes, OBJECT_BYTES } from './sizes.ts';
import { BLOCK_BYTES, newBlock, packedSize, topOf } from './stream-block.ts';
import type { StreamBlock } from './stream-block.ts';
import { countOf, entriesBytes, entryAt, lastEntry, opened, packed } from './stream-entries.ts';
import { placeOf, recordBytes, removeAt, removeHead, unshared } from './stream-entries.ts';
import type { StreamEntries } from './stream-entries.ts';
import { copyGroups } from './stream-group.ts';
import type { StreamGroup } from './stream-group.ts';
import { MIN_ID } from './stream-id.ts';
import type { StreamId } from './stream-id.ts';
import { idOfRecord, recordOf } from './stream-record.ts';
import type { StreamRecord } from './stream-record.ts';

/** When a block is full, as in `stream-node-max-entries` and `stream-node-max-bytes`; 0 means no limit. */
export interface BlockLimits {
  readonly streamEntries: number;
  readonly streamBytes: number;
}

/** Redis never lets a listpack of a stream grow beyond this. */
const PACKED_MAX = 2 ** 30;

/** A stream: blocks of entries in the order of their IDs, so that any ID is found in logarithmic time, and groups. */
export class StreamValue {
  bytes = OBJECT_BYTES * 2 + arrayBytes(1);
  charged = 0;
  /** How many entries there are. */
  size = 0;
  lastId: StreamId = MIN_ID;
  maxDeletedId: StreamId = MIN_ID;
  /** How many entries were ever added; exact beyond 2^53 only as far as a number goes. */
  entriesAdded = 0;
  readonly blocks: StreamBlock[] = [];
  groups: Map<string, StreamGroup> | undefined;
  /** What it was at one instant, while someone reads that; blocks are shared until they change. */
  private frozen: StreamValue | undefined;

  get kind() {
    return 'stream' as const;
  }

  get encoding(): 'stream' {
    return 'stream';
  }

  /** The ID of the first entry that is there, or 0-0. */
  get firstId(): StreamId {
    const [block] = this.blocks;
    const record = block === undefined ? undefined : entryAt(block.entries, 0);
    return record === undefined ? MIN_ID : idOfRecord(record);
  }

  /** The ID of the last entry that is there, or 0-0. */
  get lastEntryId(): StreamId {
    const block = this.blocks.at(-1);
    const record = block === undefined ? undefined : lastEntry(block.entries);
    return record === undefined ? MIN_ID : idOfRecord(record);
  }

  /** Adds an entry after all others: `words` from `at` on are its fields and values in turn, and `made` their record if there is one already. */
  append(id: StreamId, words: readonly string[], at: number, limits: BlockLimits, made?: StreamRecord): void {
    let block = this.writable(this.blocks.length - 1);
    if (block === undefined || isFull(block, words, at, limits)) {
      if (block !== undefined) this.give(block, packed(block.entries));
      block = newBlock(id, words, at);
      this.blocks.push(block);
      this.bytes += BLOCK_BYTES;
    }
    const record = made ?? recordOf(id, words, at);
    block.packed += packedSize(block, id, words, at);
    this.open(block).push(record);
    this.bytes += recordBytes(record);
    this.size++;
    this.entriesAdded++;
    this.lastId = id;
  }

  /** Adds a block that was read back, after all others; it must not be empty. */
  appendBlock(block: StreamBlock): void {
    const before = this.blocks.at(-1);
    if (before !== undefined) this.give(before, packed(before.entries));
    this.blocks.push(block);
    this.bytes += BLOCK_BYTES + entriesBytes(block.entries);
    this.size += countOf(block.entries);
  }

  /** The entries of a block, in the form that takes more. */
  private open(block: StreamBlock): StreamRecord[] {
    const entries = opened(block.entries);
    this.give(block, entries);
    return entries;
  }

  /** Gives a block other entries, or the same ones in another form. */
  private give(block: StreamBlock, entries: StreamEntries): void {
    if (entries === block.entries) return;
    this.bytes += entriesBytes(entries) - entriesBytes(block.entries);
    block.entries = entries;
  }

  /** The entry of an ID. */
  get(id: StreamId): StreamRecord | undefined {
    const block = this.blocks[this.blockFor(id)];
    const record = block === undefined ? undefined : entryAt(block.entries, placeOf(block.entries, id));
    return record?.startsWith(id) === true ? record : undefined;
  }

  /** Removes the entry of an ID and says whether there was one. */
  delete(id: StreamId): boolean {
    const index = this.blockFor(id);
    const block = this.writable(index);
    if (block === undefined) return false;
    const { entries } = block;
    const place = placeOf(entries, id);
    if (entryAt(entries, place)?.startsWith(id) !== true) return false;
    block.top = topOf(block);
    this.bytes -= removeAt(block, place);
    block.deleted++;
    this.size--;
    if (countOf(block.entries) === 0) this.dropBlock(index);
    return true;
  }

  /** Removes entries from the beginning of the first block; it must have more. */
  dropHead(count: number): void {
    const block = this.writable(0)!;
    this.bytes -= removeHead(block, count);
    block.deleted += count;
    this.size -= count;
  }

  /** Removes the first block with all its entries. */
  dropFirstBlock(): void {
    const [block] = this.blocks;
    if (block === undefined) return;
    this.size -= countOf(block.entries);
    this.dropBlock(0);
  }

  private dropBlock(index: number): void {
    const block = this.blocks[index]!;
    if (index === 0) this.blocks.shift();
    else this.blocks.splice(index, 1);
    this.bytes -= BLOCK_BYTES + entriesBytes(block.entries);
  }

  /** The stream as it is now, which does not change with this one; until `thaw`. What it costs is a pointer for each block. */
  freeze(): StreamValue {
    const frozen = new StreamValue();
    const { size, lastId, maxDeletedId, entriesAdded, groups } = this;
    Object.assign(frozen, { size, lastId, maxDeletedId, entriesAdded });
    for (const block of this.blocks) frozen.blocks.push(block);
    if (groups !== undefined) frozen.groups = copyGroups(groups);
    this.frozen = frozen;
    return frozen;
  }

  thaw(): void {
    this.frozen = undefined;
  }

  /** A block that is about to change. One that a frozen stream has too is copied first. */
  private writable(index: number): StreamBlock | undefined {
    const block = this.blocks[index];
    const { frozen } = this;
    if (frozen === undefined || block === undefined) return block;
    if (frozen.blocks[frozen.blockFor(block.base)] !== block) return block;
    const copy = { ...block, entries: unshared(block.entries) };
    this.blocks[index] = copy;
    return copy;
  }

  /** Visits the entries from `start` to `end` (inclusive) in order, until `visit` returns false. */
  range(start: StreamId, end: StreamId, visit: (record: StreamRecord) => boolean): void {
    for (let index = this.blockFor(start); index < this.blocks.length; index++) {
      const { entries } = this.blocks[index]!;
      const count = countOf(entries);
      for (let at = placeOf(entries, start); at < count; at++) {
        const record = entryAt(entries, at)!;
        if ((record > end && !record.startsWith(end)) || !visit(record)) return;
      }
    }
  }

  /** As `range`, from the end to the start. */
  reverseRange(start: StreamId, end: StreamId, visit: (record: StreamRecord) => boolean): void {
    for (let index = this.blockFor(end); index >= 0; index--) {
      const entries = this.blocks[index]?.entries ?? [];
      let at = placeOf(entries, end);
      if (entryAt(entries, at)?.startsWith(end) !== true) at--;
      for (; at >= 0; at--) {
        const record = entryAt(entries, at)!;
        if (record < start || !visit(record)) return;
      }
    }
  }

  /** The last block that begins at or before an ID, or the first. */
  private blockFor(id: StreamId): number {
    const { blocks } = this;
    let low = 0;
    let high = blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (blocks[middle]!.base <= id) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function isFull(block: StreamBlock, words: readonly string[], at: number, limits: BlockLimits): boolean {
  const { streamEntries, streamBytes } = limits;
  if (streamEntries > 0 && countOf(block.entries) + block.deleted >= streamEntries) return true;
  let size = block.packed;
  for (let i = at; i < words.length; i++) size += words[i]!.length;
  return size >= (streamBytes > 0 ? Math.min(streamBytes, PACKED_MAX) : PACKED_MAX);
}
