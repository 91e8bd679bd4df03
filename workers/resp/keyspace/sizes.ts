/**
 * Bytes a flat one-byte string takes on V8's heap: a 16-byte header and its characters, rounded up to words. Strings of
 * up to one character exist once for the whole process.
 */
export function stringBytes(text: string): number {
  return text.length < 2 ? 0 : (text.length + 23) & ~7;
}

/** Bytes of an array that has grown to a length by pushes: V8 then keeps half as much again, and 16. */
export function arrayBytes(length: number): number {
  let capacity = 0;
  while (capacity < length) capacity += (capacity >> 1) + 16;
  return ARRAY_BYTES + capacity * 8;
}

/** An array's own object and the head of its elements. */
const ARRAY_BYTES = 48;
/** About what an entry of a large Dict takes beside its key and value: its share of shards that are 70 % full. */
export const ENTRY_BYTES = 40;
/** A small class instance. */
export const OBJECT_BYTES = 64;

/** What a number takes beside its place in an array that also holds other things: nothing while it is a small integer. */
export function boxBytes(number: number): number {
  return (number | 0) === number ? 0 : 16;
}

/** When a collection leaves its compact encoding, with Redis's names and defaults. */
export interface EncodingLimits {
  hashEntries: number;
  hashValue: number;
  setIntsetEntries: number;
  setEntries: number;
  setValue: number;
  zsetEntries: number;
  zsetValue: number;
  /** Elements in a list node if positive, else the class of sizes -1 (4 KiB) to -5 (64 KiB). */
  listSize: number;
  /** Entries and listpack bytes in a block of a stream; 0 means no limit. */
  streamEntries: number;
  streamBytes: number;
  /** Bytes of a HyperLogLog above which it is kept dense. */
  hllSparseBytes: number;
}

/** Redis 7.2's defaults. */
export const DEFAULT_LIMITS: EncodingLimits = {
  hashEntries: 512,
  hashValue: 64,
  setIntsetEntries: 512,
  setEntries: 128,
  setValue: 64,
  zsetEntries: 128,
  zsetValue: 64,
  listSize: -2,
  streamEntries: 100,
  streamBytes: 4096,
  hllSparseBytes: 3000,
};

/** The longest string Redis keeps inside its object header (the encoding embstr). */
export const EMBEDDED_MAX = 44;
