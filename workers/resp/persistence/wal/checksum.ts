import { crc32 } from 'node:zlib';

/** Up to this length a loop is cheaper than a call into native code with a view made for it. */
const SHORT = 128;

/** For each of four bytes that are taken at a time, what each of its values does to the remainder. */
const TABLES = Array.from({ length: 4 }, () => new Int32Array(256));
for (let byte = 0; byte < 256; byte++) {
  let remainder = byte;
  for (const table of TABLES) {
    for (let bit = 0; bit < 8; bit++) remainder = (remainder & 1 ? 0xedb8_8320 : 0) ^ (remainder >>> 1);
    table[byte] = remainder;
  }
}
const [FOURTH, THIRD, SECOND, FIRST] = TABLES as [Int32Array, Int32Array, Int32Array, Int32Array];

/** The CRC-32 of bytes from `start` up to `end`, going on from another one: what zlib's crc32 gives, sooner for few bytes. */
export function checksum(bytes: Buffer, start: number, end: number, from: number): number {
  if (end - start > SHORT) return crc32(bytes.subarray(start, end), from);
  let crc = ~from;
  let at = start;
  for (; at + 3 < end; at += 4) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc = FIRST[crc & 255]! ^ SECOND[(crc >>> 8) & 255]! ^ THIRD[(crc >>> 16) & 255]! ^ FOURTH[crc >>> 24]!;
  }
  for (; at < end; at++) crc = FOURTH[(crc ^ bytes[at]!) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
