import { streamIdAt } from './stream-id.ts';
import type { StreamId } from './stream-id.ts';

/**
 * An entry of a stream as one string: its ID's 16 bytes, then fields and values in turn, each with its length before it.
 * Records compare as their IDs do, and an entry costs no object but the string.
 */
export type StreamRecord = string;

/** Longer texts have this byte and four bytes of length before them. */
const LONG = 255;

function lengthMark(length: number): string {
  if (length < LONG) return String.fromCharCode(length);
  return String.fromCharCode(LONG, length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255);
}

/** Makes a record of an ID and the words from `at` on, fields and values in turn. */
export function recordOf(id: StreamId, words: readonly string[], at: number): StreamRecord {
  // Joining gives a flat string at once; adding one to the other would keep the parts alive in a rope.
  if (words.length - at === 2) {
    // Most entries have one field, and an array that is made in one go takes half the time.
    const field = words[at]!;
    const value = words[at + 1]!;
    return [id, lengthMark(field.length), field, lengthMark(value.length), value].join('');
  }
  return joined(id, words, at, words.length);
}

/** What a record begins with, and some of its words. */
function joined(start: string, words: readonly string[], from: number, to: number): string {
  const parts = [start];
  for (let i = from; i < to; i++) parts.push(lengthMark(words[i]!.length), words[i]!);
  return parts.join('');
}

/** Words that are joined from one step to the next. */
const AT_ONCE = 512;

/** As `recordOf`, in steps: for very many words. */
export function* recordInSteps(id: StreamId, words: readonly string[], at: number): Generator<void, StreamRecord> {
  const pieces = [id];
  for (let from = at; from < words.length; from += AT_ONCE) {
    pieces.push(joined('', words, from, Math.min(words.length, from + AT_ONCE)));
    yield;
  }
  return pieces.join('');
}

/** The ID of an entry, in a string of its own: who keeps it does not keep the entry, and those beside it, alive. */
export function idOfRecord(record: StreamRecord): StreamId {
  return streamIdAt(record);
}

/** The fields and values of a record, in turn. */
export function wordsOf(record: StreamRecord): string[] {
  const words: string[] = [];
  for (let at = 16; at < record.length;) {
    let length = record.charCodeAt(at++);
    if (length === LONG) {
      length =
        record.charCodeAt(at) * 0x100_0000 +
        ((record.charCodeAt(at + 1) << 16) | (record.charCodeAt(at + 2) << 8) | record.charCodeAt(at + 3));
      at += 4;
    }
    words.push(record.slice(at, at + length));
    at += length;
  }
  return words;
}
