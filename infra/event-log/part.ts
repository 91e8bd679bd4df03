/** One of several parts into which the streams of a log are divided, so that they can be read beside each other. Counted from 0. */
export interface Part {
  readonly number: number;
  readonly of: number;
}

/**
 * Whether a stream is in a part. The last two characters of its name decide: in ids they are as random as any, and PostgreSQL, which
 * does the same (`isInPart`), has them without hashing anything.
 */
export function inPart({ number, of }: Part, stream: string): boolean {
  const [beforeLast = '', last = ''] = ['', '', ...Array.from(stream)].slice(-2);
  return (codeOf(last) * 31 + codeOf(beforeLast)) % of === number;
}

/** The same as a condition on the column `stream`. */
export function isInPart({ number, of }: Part): string {
  return `(ascii(right(stream, 1)) * 31 + CASE WHEN length(stream) > 1 THEN ascii(right(stream, 2)) ELSE 0 END) % ${of} = ${number}`;
}

const codeOf = (character: string) => character.codePointAt(0) ?? 0;
