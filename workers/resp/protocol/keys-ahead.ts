import { hashAt, WHOLE_KEY_MAX } from '../keyspace/key-hash.ts';

const CR = 13;
const ASTERISK = 42;
const ARGUMENTS_MAX = 64;

/** A number in digits and the place after its line. */
let number = 0;
function lineEnd(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  number = 0;
  for (; at < end && bytes[at] !== CR; at++) number = number * 10 + bytes[at]! - 48;
  return at + 2;
}

/**
 * The hashes of the first arguments of whole requests that lie one after another in `bytes`, mostly those of keys: as many as there
 * is room for. Returns how many. What looks unusual ends it.
 */
export function keysAhead(bytes: Uint8Array, from: number, end: number, hashes: Int32Array): number {
  let at = from;
  let count = 0;
  while (count < hashes.length && at < end && bytes[at] === ASTERISK) {
    at = lineEnd(bytes, at + 1, end);
    const words = number;
    if (!(words > 1 && words <= ARGUMENTS_MAX)) return count;
    let hash = 0;
    for (let word = 0; word < words; word++) {
      at = lineEnd(bytes, at + 1, end);
      const length = number;
      if (!(length >= 0 && at + length + 2 <= end)) return count;
      if (word === 1 && length <= WHOLE_KEY_MAX) hash = hashAt(bytes, at, length);
      at += length + 2;
    }
    hashes[count++] = hash;
  }
  return count;
}
