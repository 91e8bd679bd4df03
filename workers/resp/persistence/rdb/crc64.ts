/** CRC-64/Jones, reflected, initial value 0: the checksum of RDB files and DUMP payloads. Check value e9c6d914c4b8d9ca. */
const POLY_LOW = 0xac4bc9b5;
const POLY_HIGH = 0x95ac9329;
const SLICES = 8;

/** Slicing-by-8 tables of the low and the high halves: JavaScript has no fast 64-bit integers. */
const { low: LOW, high: HIGH } = makeTables();

function makeTables(): { low: Uint32Array; high: Uint32Array } {
  const low = new Uint32Array(256 * SLICES);
  const high = new Uint32Array(256 * SLICES);
  for (let byte = 0; byte < 256; byte++) {
    let l = byte;
    let h = 0;
    for (let bit = 0; bit < 8; bit++) {
      const carry = l & 1;
      l = (l >>> 1) | (h << 31);
      h >>>= 1;
      if (carry === 1) {
        l ^= POLY_LOW;
        h ^= POLY_HIGH;
      }
    }
    low[byte] = l;
    high[byte] = h;
  }
  for (let i = 256; i < 256 * SLICES; i++) {
    const l = low[i - 256]!;
    const h = high[i - 256]!;
    low[i] = ((l >>> 8) | (h << 24)) ^ low[l & 255]!;
    high[i] = (h >>> 8) ^ high[l & 255]!;
  }
  return { low, high };
}

/** A running CRC-64. */
export interface Crc64 {
  low: number;
  high: number;
}

/** A CRC-64 of nothing yet. */
export function crc64(): Crc64 {
  return { low: 0, high: 0 };
}

/** Adds the bytes `start` to `end` (exclusive). */
export function updateCrc64(crc: Crc64, bytes: Uint8Array, start = 0, end = bytes.length): void {
  let l = crc.low;
  let h = crc.high;
  let i = start;
  for (; i + 8 <= end; i += 8) {
    const a = l ^ (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
    const b = h ^ (bytes[i + 4]! | (bytes[i + 5]! << 8) | (bytes[i + 6]! << 16) | (bytes[i + 7]! << 24));
    const a0 = 1792 + (a & 255);
    const a1 = 1536 + ((a >>> 8) & 255);
    const a2 = 1280 + ((a >>> 16) & 255);
    const a3 = 1024 + (a >>> 24);
    const b0 = 768 + (b & 255);
    const b1 = 512 + ((b >>> 8) & 255);
    const b2 = 256 + ((b >>> 16) & 255);
    const b3 = b >>> 24;
    l = LOW[a0]! ^ LOW[a1]! ^ LOW[a2]! ^ LOW[a3]! ^ LOW[b0]! ^ LOW[b1]! ^ LOW[b2]! ^ LOW[b3]!;
    h = HIGH[a0]! ^ HIGH[a1]! ^ HIGH[a2]! ^ HIGH[a3]! ^ HIGH[b0]! ^ HIGH[b1]! ^ HIGH[b2]! ^ HIGH[b3]!;
  }
  for (; i < end; i++) {
    const at = (l ^ bytes[i]!) & 255;
    l = ((l >>> 8) | (h << 24)) ^ LOW[at]!;
    h = (h >>> 8) ^ HIGH[at]!;
  }
  crc.low = l >>> 0;
  crc.high = h >>> 0;
}
