import { lowerBound } from './id-map.ts';
import { arrayBytes, OBJECT_BYTES, stringBytes } from './sizes.ts';
import type { StreamId } from './stream-id.ts';
import type { StreamRecord } from './stream-record.ts';

/**
 * The entries of a block in one text, one after another. Most of a stream is in this form: V8 has one string to copy and to mark
 * where there would be a hundred, and they take half the memory. It never changes, so that snapshots share it.
 */
interface PackedEntries {
  readonly text: string;
  /** Where each entry ends in the text, as a character for each. */
  readonly ends: string;
  /** How many entries at the beginning are gone; their bytes are still there. */
  readonly gone: number;
}

/** The entries of a block in their order: a text for each while more may come, or packed once it is full. */
export type StreamEntries = StreamRecord[] | PackedEntries;

/** What a character can say of a place. */
const TEXT_MAX = 65_535;
/** So few entries are not worth a text and its ends. */
const PACKED_MIN = 4;
/** An object in the place of the array that is counted with each block. */
const PACKED_BYTES = OBJECT_BYTES - arrayBytes(1);

export function countOf(entries: StreamEntries): number {
  return Array.isArray(entries) ? entries.length : entries.ends.length - entries.gone;
}

/** The entry at a place; undefined when there is none. */
export function entryAt(entries: StreamEntries, place: number): StreamRecord | undefined {
  if (Array.isArray(entries)) return entries[place];
  const { text, ends, gone } = entries;
  const at = gone + place;
  if (place < 0 || at >= ends.length) return undefined;
  return text.slice(at === 0 ? 0 : ends.charCodeAt(at - 1), ends.charCodeAt(at));
}

export function lastEntry(entries: StreamEntries): StreamRecord | undefined {
  return entryAt(entries, countOf(entries) - 1);
}

/** The place of the first entry whose ID is at least `id`. */
export function placeOf(entries: StreamEntries, id: StreamId): number {
  if (Array.isArray(entries)) return lowerBound(entries, id);
  let low = 0;
  let high = countOf(entries);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entryAt(entries, middle)! < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** All entries, to be read and not kept. */
export function entriesIn(entries: StreamEntries): readonly StreamRecord[] {
  if (Array.isArray(entries)) return entries;
  return Array.from({ length: countOf(entries) }, (_, place) => entryAt(entries, place)!);
}

/** The same entries, each in a text of its own, so that more can be added. */
export function opened(entries: StreamEntries): StreamRecord[] {
  if (Array.isArray(entries)) return entries;
  // A part of a text would keep all of it alive.
  return entriesIn(entries).map((record) => Buffer.from(record, 'latin1').toString('latin1'));
}

/** The same entries in one text, where that is of use. */
export function packed(entries: StreamEntries): StreamEntries {
  return Array.isArray(entries) && entries.length >= PACKED_MIN ? pack(entries) : entries;
}

function pack(records: readonly StreamRecord[]): StreamEntries {
  const ends: number[] = [];
  let end = 0;
  for (const record of records) {
    end += record.length;
    if (end > TEXT_MAX) return records.slice();
    ends.push(end);
  }
  return { text: records.join(''), ends: String.fromCharCode(...ends), gone: 0 };
}

/** Entries of one's own, where others may have been given the same. */
export function unshared(entries: StreamEntries): StreamEntries {
  return Array.isArray(entries) ? entries.slice() : entries;
}

/** What has entries that may change. */
interface EntriesHolder {
  entries: StreamEntries;
}

/** Removes so many entries from the beginning; returns how many bytes that frees. */
export function removeHead(holder: EntriesHolder, count: number): number {
  const { entries } = holder;
  let bytes = 0;
  if (Array.isArray(entries)) for (const record of entries.splice(0, count)) bytes += recordBytes(record);
  else holder.entries = { ...entries, gone: entries.gone + count };
  return bytes;
}

/** Removes the entry at a place; returns how many bytes that frees. */
export function removeAt(holder: EntriesHolder, place: number): number {
  const { entries } = holder;
  if (place === 0) return removeHead(holder, 1);
  if (Array.isArray(entries)) return recordBytes(entries.splice(place, 1)[0]!);
  holder.entries = pack(entriesIn(entries).filter((_, at) => at !== place));
  return entriesBytes(entries) - entriesBytes(holder.entries);
}

/** What an entry with a text of its own takes of the heap. */
export function recordBytes(record: StreamRecord): number {
  return stringBytes(record) + 10;
}

/** What entries take of the heap beside their block. */
export function entriesBytes(entries: StreamEntries): number {
  if (!Array.isArray(entries)) {
    const { text, ends } = entries;
    return PACKED_BYTES + stringBytes(text) + ((ends.length * 2 + 23) & ~7);
  }
  let bytes = 0;
  for (const record of entries) bytes += recordBytes(record);
  return bytes;
}
