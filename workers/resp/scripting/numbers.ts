/** A number as C's `%.<digits>g` prints it. */
export function printG(value: number, digits: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Number.isInteger(value) && Math.abs(value) < 10 ** Math.min(digits, 15))
    return Object.is(value, -0) ? '-0' : String(value);
  const [mantissa, exponent] = value.toExponential(digits - 1).split('e') as [string, string];
  const power = Number(exponent);
  const trim = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);
  if (power < -4 || power >= digits) {
    const size = Math.abs(power);
    return `${trim(mantissa)}e${power < 0 ? '-' : '+'}${size < 10 ? `0${size}` : size}`;
  }
  return trim(value.toFixed(Math.max(0, digits - 1 - power)));
}
