/** Bytes a flat one-byte string takes on V8's heap: a 16-byte header and its characters, rounded up to words. */
export function stringBytes(text: string): number {
  return (text.length + 23) & ~7;
}

/** What an entry of a Dict takes beside its key and value: its share of a hash table that is 70 % full. */
export const DICT_ENTRY_BYTES = 40;
/** A small class instance with its backing store. */
export const OBJECT_BYTES = 96;

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
  hashEntries: 128,
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
