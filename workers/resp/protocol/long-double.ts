/*
 * INCRBYFLOAT and HINCRBYFLOAT add long doubles, which on x86 have a mantissa of 64 bits and exponents far beyond a double's.
 * They are imitated here in big integers, so that all digits come out as Redis prints them.
 */

const MANTISSA_BITS = 64;
/** The least exponent of a mantissa's last bit; below it digits are lost, as in denormal numbers. */
const EXPONENT_MIN = -16_445;
/** A mantissa of full length at this exponent or above is out of range. */
const EXPONENT_MAX = 16_384 - MANTISSA_BITS;
/** Places after the point that are printed. */
const PLACES = 17;
/** Decimal exponents beyond this are out of range whatever the digits are. */
const DECIMAL_EXPONENT_MAX = 20_000;
/** Redis reads no number that is longer. */
const LENGTH_MAX = 5 * 1024;

/** `mantissa` times two to the power of `exponent`. */
interface Finite {
  readonly mantissa: bigint;
  readonly exponent: number;
}

type LongDouble = Finite | 'inf' | '-inf';

const DECIMAL = /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i;
const HEXADECIMAL = /^([+-]?)0x([\da-f]*)\.?([\da-f]*)(?:p([+-]?\d+))?$/i;

/** A long double as strtold reads one, rounded to the nearest; undefined for what is none, NaN, or out of range. */
export function parseLongDouble(text: string): LongDouble | undefined {
  if (text.length >= LENGTH_MAX) return undefined;
  const word = /^([+-]?)inf(?:inity)?$/i.exec(text);
  if (word !== null) return word[1] === '-' ? '-inf' : 'inf';
  const hex = HEXADECIMAL.exec(text);
  const [, sign, whole = '', fraction = '', power = '0'] = hex ?? DECIMAL.exec(text) ?? [];
  if (sign === undefined || whole + fraction === '') return undefined;
  const digits = BigInt(`${hex === null ? '' : '0x'}0${whole}${fraction}`) * (sign === '-' ? -1n : 1n);
  if (digits === 0n) return { mantissa: 0n, exponent: 0 };
  const shift = Number(power) - (hex === null ? 1 : 4) * fraction.length;
  if (Math.abs(shift) > DECIMAL_EXPONENT_MAX) return undefined;
  const value =
    hex !== null
      ? rounded(digits, 1n, shift)
      : shift >= 0
        ? rounded(digits * 10n ** BigInt(shift), 1n, 0)
        : rounded(digits, 10n ** BigInt(-shift), 0);
  // What is too large, or so small that nothing is left of it, is refused.
  return typeof value === 'string' || value.mantissa === 0n ? undefined : value;
}

/** The sum, rounded to the nearest; undefined when it is infinite or no number. */
export function addLongDoubles(a: LongDouble, b: LongDouble): Finite | undefined {
  if (typeof a === 'string' || typeof b === 'string') return undefined;
  const exponent = Math.min(a.exponent, b.exponent);
  const exact = (a.mantissa << BigInt(a.exponent - exponent)) + (b.mantissa << BigInt(b.exponent - exponent));
  const sum = rounded(exact, 1n, exponent);
  return typeof sum === 'string' ? undefined : sum;
}

/** A finite long double as Redis prints one: no exponent, at most 17 places, no zeros at the end. */
export function formatLongDouble(value: Finite): string {
  const scaled = value.mantissa * 10n ** BigInt(PLACES);
  const units =
    value.exponent >= 0 ? scaled << BigInt(value.exponent) : divideRounded(scaled, 1n << BigInt(-value.exponent));
  const digits = (units < 0n ? -units : units).toString().padStart(PLACES + 1, '0');
  const whole = digits.slice(0, -PLACES);
  const fraction = digits.slice(-PLACES).replace(/0+$/, '');
  const text = fraction === '' ? whole : `${whole}.${fraction}`;
  return units < 0n ? `-${text}` : text;
}

/** `value / by`, times two to the power of `exponent`, rounded to what a long double holds. */
function rounded(value: bigint, by: bigint, exponent: number): LongDouble {
  if (value === 0n) return { mantissa: 0n, exponent: 0 };
  const size = value < 0n ? -value : value;
  // First about the right number of bits, then exactly: the quotient may have one more.
  let shift = MANTISSA_BITS - (bitLength(size) - bitLength(by));
  if (exponent - shift < EXPONENT_MIN) shift = exponent - EXPONENT_MIN;
  let mantissa = quotient(value, by, shift);
  if (bitLength(mantissa < 0n ? -mantissa : mantissa) > MANTISSA_BITS) mantissa = quotient(value, by, --shift);
  const last = exponent - shift;
  const length = bitLength(mantissa < 0n ? -mantissa : mantissa);
  if (last + length > EXPONENT_MAX + MANTISSA_BITS) return value < 0n ? '-inf' : 'inf';
  return { mantissa, exponent: last };
}

function quotient(value: bigint, by: bigint, shift: number): bigint {
  return shift >= 0 ? divideRounded(value << BigInt(shift), by) : divideRounded(value, by << BigInt(-shift));
}

/** A quotient rounded to the nearest, halves to the even one, as floating point rounds. */
function divideRounded(value: bigint, by: bigint): bigint {
  const [size, sign] = value < 0n ? [-value, -1n] : [value, 1n];
  const [down, twice] = [size / by, (size % by) * 2n];
  const up = twice > by || (twice === by && down % 2n === 1n);
  return sign * (up ? down + 1n : down);
}

function bitLength(size: bigint): number {
  const hex = size.toString(16);
  return size === 0n ? 0 : (hex.length - 1) * 4 + (32 - Math.clz32(Number.parseInt(hex[0]!, 16)));
}
