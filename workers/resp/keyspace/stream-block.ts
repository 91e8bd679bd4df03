import { listpackIntegerSize, listpackSize } from './listpack-size.ts';
import { arrayBytes, OBJECT_BYTES } from './sizes.ts';
import { lastEntry } from './stream-entries.ts';
import type { StreamEntries } from './stream-entries.ts';
import { numbersOf } from './stream-id.ts';
import type { StreamId } from './stream-id.ts';
import { idOfRecord } from './stream-record.ts';

/**
 * A run of entries that Redis would keep in one listpack. Its borders are kept as Redis draws them, deleted entries
 * included, because trimming with `~` removes whole blocks only, and how much that is shows in replies.
 */
export interface StreamBlock {
  /** The ID of the entry it began with, which may be deleted. */
  readonly base: StreamId;
  /** The ID that the block began with, or of the last entry when one was deleted. See `topOf`. */
  top: StreamId;
  /** The entries that are left, in order. */
  entries: StreamEntries;
  /** The fields of its first entry: what others share with it is not written again. */
  readonly fields: readonly string[];
  deleted: number;
  /** How many bytes Redis's listpack would have. */
  packed: number;
}

/** A block's object and IDs, its fields, and the room that its array of entries has from the beginning. */
export const BLOCK_BYTES = OBJECT_BYTES + 72 + 2 * arrayBytes(1);

/** An empty block that an entry with these words (fields and values in turn, from `at` on) will begin. */
export function newBlock(base: StreamId, words: readonly string[], at: number): StreamBlock {
  const fields: string[] = [];
  // The listpack's head and end, its counts of entries and of deleted ones, of fields, and the zero after them.
  let packed = 7 + 2 + 2 + 2;
  for (let i = at; i < words.length; i += 2) {
    fields.push(words[i]!);
    packed += listpackSize(words[i]!);
  }
  packed += listpackIntegerSize(fields.length);
  return { base, top: base, entries: [], fields, deleted: 0, packed };
}

/** The ID of the entry last added, which may be deleted. It is not kept with each entry: a store of it costs more than finding it. */
export function topOf({ top, entries }: StreamBlock): StreamId {
  const last = lastEntry(entries);
  return last === undefined || last.startsWith(top) || last < top ? top : idOfRecord(last);
}

/** Whether an entry has exactly the fields of a block's first one. */
export function sharesFields(fields: readonly string[], words: readonly string[], at: number): boolean {
  if (words.length - at !== fields.length * 2) return false;
  for (let i = 0; i < fields.length; i++) if (fields[i] !== words[at + i * 2]) return false;
  return true;
}

/** How far a number of an ID is from the block's first, as the listpack holds it. */
function difference(value: number | bigint, base: number | bigint): number {
  return typeof value === 'number' && typeof base === 'number' ? value - base : Number(BigInt(value) - BigInt(base));
}

/** How many bytes an entry adds to the listpack of its block. */
export function packedSize(block: StreamBlock, id: StreamId, words: readonly string[], at: number): number {
  const count = (words.length - at) / 2;
  const same = sharesFields(block.fields, words, at);
  let size = 2;
  const own = numbersOf(id);
  const base = numbersOf(block.base);
  size += listpackIntegerSize(difference(own.ms, base.ms));
  size += listpackIntegerSize(difference(own.seq, base.seq));
  for (let i = at + 1; i < words.length; i += 2) size += listpackSize(words[i]!);
  if (same) return size + listpackIntegerSize(count + 3);
  for (let i = at; i < words.length; i += 2) size += listpackSize(words[i]!);
  return size + listpackIntegerSize(count) + listpackIntegerSize(count * 2 + 4);
}
