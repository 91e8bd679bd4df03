import { lowerBound } from './id-map.ts';
import { arrayBytes, OBJECT_BYTES } from './sizes.ts';
import { BLOCK_BYTES, newBlock, packedSize, recordBytes, topOf } from './stream-block.ts';
import type { StreamBlock } from './stream-block.ts';
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
    const record = this.blocks[0]?.records[0];
    return record === undefined ? MIN_ID : idOfRecord(record);
  }

  /** The ID of the last entry that is there, or 0-0. */
  get lastEntryId(): StreamId {
    const record = this.blocks.at(-1)?.records.at(-1);
    return record === undefined ? MIN_ID : idOfRecord(record);
  }

  /** Adds an entry after all others: `words` from `at` on are its fields and values in turn, and `made` their record if there is one already. */
  append(id: StreamId, words: readonly string[], at: number, limits: BlockLimits, made?: StreamRecord): void {
    let block = this.writable(this.blocks.length - 1);
    if (block === undefined || isFull(block, words, at, limits)) {
      block = newBlock(id, words, at);
      this.blocks.push(block);
      this.bytes += BLOCK_BYTES;
    }
    const record = made ?? recordOf(id, words, at);
    block.packed += packedSize(block, id, words, at);
    block.records.push(record);
    this.bytes += recordBytes(record);
    this.size++;
    this.entriesAdded++;
    this.lastId = id;
  }

  /** Adds a block that was read back, after all others; it must not be empty. */
  appendBlock(block: StreamBlock): void {
    this.blocks.push(block);
    this.bytes += BLOCK_BYTES;
    for (const record of block.records) this.bytes += recordBytes(record);
    this.size += block.records.length;
  }

  /** The entry of an ID. */
  get(id: StreamId): StreamRecord | undefined {
    const block = this.blocks[this.blockFor(id)];
    const record = block?.records[lowerBound(block.records, id)];
    return record?.startsWith(id) === true ? record : undefined;
  }

  /** Removes the entry of an ID and says whether there was one. */
  delete(id: StreamId): boolean {
    const index = this.blockFor(id);
    const block = this.writable(index);
    if (block === undefined) return false;
    const at = lowerBound(block.records, id);
    const record = block.records[at];
    if (record?.startsWith(id) !== true) return false;
    block.top = topOf(block);
    block.records.splice(at, 1);
    block.deleted++;
    this.size--;
    this.bytes -= recordBytes(record);
    if (block.records.length === 0) this.dropBlock(index);
    return true;
  }

  /** Removes entries from the beginning of the first block; it must have more. */
  dropHead(count: number): void {
    const block = this.writable(0)!;
    for (const record of block.records.splice(0, count)) this.bytes -= recordBytes(record);
    block.deleted += count;
    this.size -= count;
  }

  /** Removes the first block with all its entries. */
  dropFirstBlock(): void {
    const [block] = this.blocks;
    if (block === undefined) return;
    for (const record of block.records) this.bytes -= recordBytes(record);
    this.size -= block.records.length;
    this.dropBlock(0);
  }

  private dropBlock(index: number): void {
    if (index === 0) this.blocks.shift();
    else this.blocks.splice(index, 1);
    this.bytes -= BLOCK_BYTES;
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
    const copy = { ...block, records: block.records.slice() };
    this.blocks[index] = copy;
    return copy;
  }

  /** Visits the entries from `start` to `end` (inclusive) in order, until `visit` returns false. */
  range(start: StreamId, end: StreamId, visit: (record: StreamRecord) => boolean): void {
    for (let index = this.blockFor(start); index < this.blocks.length; index++) {
      const { records } = this.blocks[index]!;
      for (let at = lowerBound(records, start); at < records.length; at++) {
        const record = records[at]!;
        if (idOfRecord(record) > end || !visit(record)) return;
      }
    }
  }

  /** As `range`, from the end to the start. */
  reverseRange(start: StreamId, end: StreamId, visit: (record: StreamRecord) => boolean): void {
    for (let index = this.blockFor(end); index >= 0; index--) {
      const records = this.blocks[index]?.records ?? [];
      let at = lowerBound(records, end);
      if (records[at]?.startsWith(end) !== true) at--;
      for (; at >= 0; at--) {
        const record = records[at]!;
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
  if (streamEntries > 0 && block.records.length + block.deleted >= streamEntries) return true;
  let size = block.packed;
  for (let i = at; i < words.length; i++) size += words[i]!.length;
  return size >= (streamBytes > 0 ? Math.min(streamBytes, PACKED_MAX) : PACKED_MAX);
}
