import { hashed, murmur64 } from './murmur.ts';

/** Registers of a HyperLogLog: 2^14, of six bits each. */
export const REGISTERS = 16_384;
/** Bits of the hash that are left after those that choose the register. */
const Q = 50;
/** 0.5 / ln(2). */
const ALPHA = 0.7213475204444817;

/** The header: "HYLL", the encoding, three unused bytes, and the cached count with its highest bit set when it is stale. */
export const HEADER = 16;
const DENSE_SIZE = HEADER + (REGISTERS * 6) / 8;
export const DENSE = 0;
const SPARSE = 1;

/** A new, empty HyperLogLog in Redis's sparse form. */
export const EMPTY_HLL = `HYLL\x01${'\0'.repeat(11)}\x7f\xff`;

/** Whether a string can be a HyperLogLog, by its header. */
export function isHyperLogLog(text: string): boolean {
  if (text.length < HEADER || !text.startsWith('HYLL')) return false;
  const encoding = text.charCodeAt(4);
  return encoding === SPARSE || (encoding === DENSE && text.length === DENSE_SIZE);
}

/** Where an element is counted, and the length of its pattern of zeros. */
export function patternOf(element: string): { index: number; count: number } {
  murmur64(element);
  const { high, low } = hashed;
  const index = low & (REGISTERS - 1);
  const bits = (low >>> 14) | (high << 18);
  if (bits !== 0) return { index, count: 32 - Math.clz32(bits & -bits) };
  const rest = (high >>> 14) | (1 << 18);
  return { index, count: 64 - Math.clz32(rest & -rest) };
}

function getRegister(bytes: Buffer, index: number): number {
  const bit = index * 6;
  const at = HEADER + (bit >>> 3);
  const shift = bit & 7;
  return ((bytes[at]! >>> shift) | ((bytes[at + 1] ?? 0) << (8 - shift))) & 63;
}

function putRegister(bytes: Buffer, index: number, value: number): void {
  const bit = index * 6;
  const at = HEADER + (bit >>> 3);
  const shift = bit & 7;
  bytes[at] = (bytes[at]! & ~(63 << shift)) | (value << shift);
  if (shift > 2) bytes[at + 1] = (bytes[at + 1]! & ~(63 >>> (8 - shift))) | (value >>> (8 - shift));
}

/** Raises a register of the dense form and says whether it was lower. */
export function raiseDense(bytes: Buffer, index: number, value: number): boolean {
  if (getRegister(bytes, index) >= value) return false;
  putRegister(bytes, index, value);
  return true;
}

/**
 * Visits the runs of equal registers of the sparse form: false when they are not as many registers as there have to be.
 */
function visitRuns(bytes: Buffer, visit: (from: number, length: number, value: number) => void): boolean {
  let index = 0;
  for (let at = HEADER; at < bytes.length; at++) {
    const first = bytes[at]!;
    let length = (first & 63) + 1;
    let value = 0;
    if (first & 0x80) {
      length = (first & 3) + 1;
      value = ((first >>> 2) & 31) + 1;
    } else if (first & 0x40) length = (((first & 63) << 8) | (bytes[++at] ?? 0)) + 1;
    if (index + length > REGISTERS) return false;
    visit(index, length, value);
    index += length;
  }
  return index === REGISTERS;
}

/** The runs of the sparse form as PFDEBUG DECODE shows them: `z:` and `Z:` are zeros, `v:` a value and how often. */
export function describeSparse(bytes: Buffer): string {
  const runs: string[] = [];
  for (let at = HEADER; at < bytes.length; at++) {
    const first = bytes[at]!;
    if (first & 0x80) runs.push(`v:${((first >>> 2) & 31) + 1},${(first & 3) + 1}`);
    else if (first & 0x40) runs.push(`Z:${(((first & 63) << 8) | (bytes[++at] ?? 0)) + 1}`);
    else runs.push(`z:${(first & 63) + 1}`);
  }
  return runs.join(' ');
}

/** Raises registers (one byte each) to those of a HyperLogLog; false when it is damaged. */
export function mergeInto(max: Uint8Array, bytes: Buffer): boolean {
  if (bytes[4] === DENSE) {
    for (let i = 0; i < REGISTERS; i++) {
      const value = getRegister(bytes, i);
      if (value > max[i]!) max[i] = value;
    }
    return true;
  }
  return visitRuns(bytes, (from, length, value) => {
    for (let i = from; i < from + length; i++) if (value > max[i]!) max[i] = value;
  });
}

/** The dense form of a sparse HyperLogLog; undefined when it is damaged. */
export function toDense(bytes: Buffer): Buffer | undefined {
  const dense = Buffer.alloc(DENSE_SIZE);
  dense.write('HYLL', 0, 'latin1');
  bytes.copy(dense, 8, 8, HEADER);
  const whole = visitRuns(bytes, (from, length, value) => {
    if (value > 0) for (let i = from; i < from + length; i++) putRegister(dense, i, value);
  });
  return whole ? dense : undefined;
}

function sigma(value: number): number {
  if (value === 1) return Infinity;
  let x = value;
  let y = 1;
  let z = x;
  for (let before = Number.NaN; before !== z;) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

function tau(value: number): number {
  if (value === 0 || value === 1) return 0;
  let x = value;
  let y = 1;
  let z = 1 - x;
  for (let before = Number.NaN; before !== z;) {
    x = Math.sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) ** 2 * y;
  }
  return z / 3;
}

/** The estimate from how many registers have each value (Ertl's formula, with Redis's order of operations). */
export function estimate(max: Uint8Array): number {
  const histogram = Array.from({ length: 64 }, () => 0);
  for (const value of max) histogram[value]!++;
  let z = REGISTERS * tau((REGISTERS - histogram[Q + 1]!) / REGISTERS);
  for (let j = Q; j >= 1; j--) {
    z += histogram[j]!;
    z *= 0.5;
  }
  z += REGISTERS * sigma(histogram[0]! / REGISTERS);
  return Math.round((ALPHA * REGISTERS * REGISTERS) / z);
}
