const INT64_MAX = 0x7fff_ffff_ffff_ffffn;
const INT64_MIN = -0x8000_0000_0000_0000n;

/** Whether text is a 64-bit integer as Redis reads one: shortest form, no plus, no spaces, no leading zeros. */
export function isInteger(text: string): boolean {
  const { length } = text;
  if (length === 0 || length > 20) return false;
  const first = text.charCodeAt(0);
  let at = 0;
  if (first === 45) at = 1;
  if (at === length) return false;
  const lead = text.charCodeAt(at);
  if (lead === 48) return length === 1;
  for (let i = at; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code < 48 || code > 57) return false;
  }
  if (length - at < 19) return true;
  const exact = BigInt(text);
  return exact <= INT64_MAX && exact >= INT64_MIN;
}

/** A 64-bit integer as a number (rounded beyond 2^53), or undefined. */
export function parseInteger(text: string): number | undefined {
  return isInteger(text) ? Number(text) : undefined;
}

/** A 64-bit integer exactly, or undefined. */
export function parseBigInteger(text: string): bigint | undefined {
  return isInteger(text) ? BigInt(text) : undefined;
}

/** Whether a big integer fits 64 bits. */
export function fitsInt64(value: bigint): boolean {
  return value <= INT64_MAX && value >= INT64_MIN;
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const HEXADECIMAL = /^([+-]?)0x([\da-f]*)(?:\.([\da-f]*))?(?:p([+-]?\d+))?$/i;

/** The value of up to 15 digits, as most scores are, without a pattern; undefined for anything else. */
function shortInteger(text: string): number | undefined {
  const { length } = text;
  if (length === 0 || length > 15) return undefined;
  let value = 0;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code < 48 || code > 57) return undefined;
    value = value * 10 + code - 48;
  }
  return value;
}

/** A double as strtod reads one, infinities included, or undefined for anything else and for NaN. */
export function parseDouble(text: string): number | undefined {
  const short = shortInteger(text);
  if (short !== undefined) return short;
  if (DECIMAL.test(text)) {
    const value = Number(text);
    // What a double can't hold is refused: too large, or so small that nothing is left of it.
    return Number.isFinite(value) && (value !== 0 || /^[^e]*$|^[+-]?[0.]+e/i.test(text)) ? value : undefined;
  }
  const word = /^([+-]?)inf(?:inity)?$/i.exec(text);
  if (word !== null) return word[1] === '-' ? -Infinity : Infinity;
  const hex = HEXADECIMAL.exec(text);
  if (hex === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = hex;
  if (whole === '' && fraction === '') return undefined;
  const mantissa = Number.parseInt(`0${whole}${fraction}`, 16);
  return (sign === '-' ? -1 : 1) * mantissa * 2 ** (Number(exponent) - 4 * fraction.length);
}

/** A double as Redis 7.2 prints one: integers in full, others by their shortest digits in fpconv's layout. */
export function formatDouble(value: number): string {
  if (Number.isInteger(value)) {
    if (value === 0) return Object.is(value, -0) ? '-0' : '0';
    if (Number.isSafeInteger(value)) return String(value);
    if (Math.abs(value) <= 2 ** 62) return BigInt(value).toString();
  }
  if (value === Infinity) return 'inf';
  if (value === -Infinity) return '-inf';
  if (Number.isNaN(value)) return 'nan';
  const sign = value < 0 ? '-' : '';
  const [mantissa, power] = Math.abs(value).toExponential().split('e') as [string, string];
  const digits = mantissa.replace('.', '');
  const exponent = Number(power);
  const shift = exponent - digits.length + 1;
  if (shift >= 0 && Math.abs(exponent) < digits.length + 7) return sign + digits + '0'.repeat(shift);
  if (shift < 0 && (shift > -7 || Math.abs(exponent) < 4)) {
    const point = digits.length + shift;
    if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
    return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
  }
  const rest = digits.length > 1 ? `.${digits.slice(1)}` : '';
  return `${sign}${digits[0]}${rest}e${exponent < 0 ? '-' : '+'}${Math.abs(exponent)}`;
}
