/**
 * Strings one after another in one flat string, each behind its length: a byte, or 255 and four bytes. What Redis keeps
 * in a listpack takes one object this way, where an array of strings takes three times the room.
 */
export type Packed = string;

const LONG = 255;

/** A string as a part of a packed one. */
export function item(text: string): Packed {
  const { length } = text;
  if (length < LONG) return String.fromCharCode(length) + text;
  return String.fromCharCode(LONG, length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255) + text;
}

/** Where the item that begins at a place ends. */
export function itemEnd(packed: Packed, at: number): number {
  const length = packed.charCodeAt(at);
  return length < LONG ? at + 1 + length : at + 5 + longLength(packed, at);
}

/** The text of the item that begins at a place. */
export function itemText(packed: Packed, at: number): string {
  const length = packed.charCodeAt(at);
  if (length < LONG) return packed.slice(at + 1, at + 1 + length);
  return packed.slice(at + 5, at + 5 + longLength(packed, at));
}

/** Whether the item that begins at a place is a text. */
export function isItem(packed: Packed, at: number, text: string): boolean {
  const { length } = text;
  if (length >= LONG) return itemEnd(packed, at) - at === length + 5 && packed.startsWith(text, at + 5);
  if (packed.charCodeAt(at) !== length) return false;
  for (let i = 0; i < length; i++) if (packed.charCodeAt(at + 1 + i) !== text.charCodeAt(i)) return false;
  return true;
}

function longLength(packed: Packed, at: number): number {
  const high = (packed.charCodeAt(at + 1) << 24) | (packed.charCodeAt(at + 2) << 16);
  return high | (packed.charCodeAt(at + 3) << 8) | packed.charCodeAt(at + 4);
}

let looked = 0;

/** The same string in one piece. V8 joins lazily, and keeps the parts, until a character is looked at. */
export function flattened(text: string): string {
  looked = text.charCodeAt(0) ^ (looked & 1);
  return text;
}
