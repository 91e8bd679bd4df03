const CR = 13;
const MINUS = 45;

/**
 * The number in a line `*<number>` or `$<number>` that begins at `at`; NaN when it is none, which is only said when the line
 * has come to an end, and undefined when the line is not all there before `end`.
 */
export function headerAt(buffer: Buffer, at: number, end: number): number | undefined {
  const negative = at + 1 < end && buffer[at + 1] === MINUS;
  let digits = 0;
  let value = 0;
  for (let i = at + (negative ? 2 : 1); i < end; i++) {
    const code = buffer[i]!;
    if (code === CR) {
      if (i + 1 >= end) return undefined;
      if (digits === 0 || digits > 18) return Number.NaN;
      return negative ? -value : value;
    }
    if (code < 48 || code > 57) {
      const stop = buffer.indexOf(CR, i);
      return stop >= 0 && stop + 1 < end ? Number.NaN : undefined;
    }
    value = value * 10 + code - 48;
    digits++;
  }
  return undefined;
}
