/** The two halves of the last hash: a result of two numbers without an object. */
export const hashed = { high: 0, low: 0 };

const M_HIGH = 0xc6a4_a793 | 0;
const M_LOW = 0x5bd1_e995;
const SEED = 0xadc8_3b19;

let high = 0;
let low = 0;

/** Multiplies (high, low) by the hash's constant, modulo 2^64. */
function multiply(): void {
  const a0 = low & 0xffff;
  const a1 = low >>> 16;
  const b0 = M_LOW & 0xffff;
  const b1 = M_LOW >>> 16;
  const p00 = a0 * b0;
  const p01 = a0 * b1;
  const p10 = a1 * b0;
  const middle = (p00 >>> 16) + (p01 & 0xffff) + (p10 & 0xffff);
  const carried = a1 * b1 + (p01 >>> 16) + (p10 >>> 16) + (middle >>> 16);
  high = (carried + Math.imul(high, M_LOW) + Math.imul(low, M_HIGH)) | 0;
  low = ((middle << 16) | (p00 & 0xffff)) >>> 0;
}

/** Folds the upper 17 bits onto the lowest. */
function fold(): void {
  low = (low ^ (high >>> 15)) >>> 0;
}

function word(text: string, at: number): number {
  return (
    text.charCodeAt(at) |
    (text.charCodeAt(at + 1) << 8) |
    (text.charCodeAt(at + 2) << 16) |
    (text.charCodeAt(at + 3) << 24)
  );
}

/** MurmurHash64A with the seed Redis uses for HyperLogLog; the result is in `hashed`. */
export function murmur64(text: string): void {
  const { length } = text;
  high = 0;
  low = length;
  multiply();
  let resultHigh = high;
  let resultLow = low ^ SEED;
  const whole = length - (length & 7);
  for (let at = 0; at < whole; at += 8) {
    low = word(text, at) >>> 0;
    high = word(text, at + 4);
    multiply();
    fold();
    multiply();
    high ^= resultHigh;
    low = (low ^ resultLow) >>> 0;
    multiply();
    resultHigh = high;
    resultLow = low;
  }
  high = resultHigh;
  low = resultLow >>> 0;
  if (whole < length) {
    for (let i = whole; i < length; i++) {
      const shift = (i - whole) * 8;
      if (shift < 32) low = (low ^ (text.charCodeAt(i) << shift)) >>> 0;
      else high ^= text.charCodeAt(i) << (shift - 32);
    }
    multiply();
  }
  fold();
  multiply();
  fold();
  hashed.high = high;
  hashed.low = low;
}
