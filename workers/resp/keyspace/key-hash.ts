/** Secrets of the process, so that nobody can choose keys that collide. */
const SEED = (Math.random() * 0x1_0000_0000) | 0;
const FIRST = (Math.random() * 0x1_0000_0000) | 0 | 1;
const SECOND = (Math.random() * 0x1_0000_0000) | 0 | 1;
/** Of longer keys this many bytes at both ends are read, and some between. */
const ENDS = 512;
/** Keys up to this length are read as a whole. */
export const WHOLE_KEY_MAX = ENDS * 2;

/** A signed 32-bit hash of a byte string, seeded per process. */
export function hashOf(key: string): number {
  const { length } = key;
  let hash = SEED ^ length;
  if (length <= WHOLE_KEY_MAX) hash = mix(key, 0, length, hash);
  else {
    hash = mix(key, 0, ENDS, hash);
    const step = (length - ENDS * 2) / 64;
    for (let i = 0; i < 64; i++) hash = Math.imul(hash ^ key.charCodeAt(ENDS + Math.floor(i * step)), FIRST);
    hash = mix(key, length - ENDS, length, hash);
  }
  return finished(hash);
}

/** The hash of a key of up to WHOLE_KEY_MAX bytes that is no string yet. */
export function hashAt(bytes: Uint8Array, start: number, length: number): number {
  const end = start + length;
  let hash = SEED ^ length;
  let i = start;
  for (; i + 3 < end; i += 4) {
    hash = mixWord(hash, bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
  }
  for (; i < end; i++) hash = mixByte(hash, bytes[i]!);
  return finished(hash);
}

/** Mixes characters into a hash, four at a time. */
function mix(key: string, start: number, end: number, from: number): number {
  let hash = from;
  let i = start;
  for (; i + 3 < end; i += 4) {
    const low = key.charCodeAt(i) | (key.charCodeAt(i + 1) << 8);
    hash = mixWord(hash, low | (key.charCodeAt(i + 2) << 16) | (key.charCodeAt(i + 3) << 24));
  }
  for (; i < end; i++) hash = mixByte(hash, key.charCodeAt(i));
  return hash;
}

function mixWord(from: number, word: number): number {
  const mixed = Math.imul(word, FIRST);
  const hash = Math.imul(from ^ mixed ^ (mixed >>> 15), SECOND);
  return hash ^ (hash >>> 13);
}

function mixByte(from: number, byte: number): number {
  const hash = Math.imul(from ^ byte, SECOND);
  return hash ^ (hash >>> 15);
}

function finished(from: number): number {
  let hash = from ^ (from >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
