/** Buffer has these methods; its types leave them out. */
export interface Latin1Buffer extends Buffer {
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, offset: number): number;
}

/** Words longer than this are not kept. */
const WORD_MAX = 24;
/** A power of two; 2048 words and their bytes stay within the processor's second cache. */
const SLOTS = 2048;

const lengths = new Uint8Array(SLOTS);
const bytes = new Uint8Array(SLOTS * WORD_MAX);
const words = Array.from({ length: SLOTS }, () => '');

/**
 * The byte string at a place of a buffer, for what tends to come again: names of commands, keys and fields. To make a string from
 * bytes costs several times what comparing them does, and one that was seen before knows its hash already.
 */
export function wordAt(buffer: Latin1Buffer, at: number, length: number): string {
  if (length > WORD_MAX || length < 3) return textAt(buffer, at, length);
  const end = at + length;
  // The last bytes tell keys apart, and the first ones commands.
  const mixed =
    buffer[end - 1]! ^ (buffer[end - 2]! << 8) ^ (buffer[end - 3]! << 16) ^ (buffer[at]! << 5) ^ (length << 24);
  const slot = Math.imul(mixed, 0x9e3779b1) >>> 21;
  const start = slot * WORD_MAX;
  if (lengths[slot] === length) {
    let same = 0;
    while (same < length && bytes[start + same] === buffer[at + same]) same++;
    if (same === length) return words[slot]!;
  }
  const word = buffer.latin1Slice(at, end);
  for (let i = 0; i < length; i++) bytes[start + i] = buffer[at + i]!;
  lengths[slot] = length;
  words[slot] = word;
  return word;
}

/** The byte string at a place of a buffer, for anything else. Very short ones are made without a call into C++. */
export function textAt(b: Latin1Buffer, at: number, length: number): string {
  switch (length) {
    case 1:
      return String.fromCharCode(b[at]!);
    case 2:
      return String.fromCharCode(b[at]!, b[at + 1]!);
    case 3:
      return String.fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!);
    case 4:
      return String.fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!);
    case 5:
      return String.fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!);
    case 6:
      return String.fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!, b[at + 5]!);
    default:
      return b.latin1Slice(at, at + length);
  }
}
