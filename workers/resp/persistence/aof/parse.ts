/** What stands at a place of an append-only file. */
export type AofEntry =
  /** A command, ending before `end`. */
  | { readonly kind: 'command'; readonly args: readonly string[]; readonly end: number }
  /** A remark, for example a timestamp. */
  | { readonly kind: 'remark'; readonly end: number }
  /** Not whole yet. */
  | { readonly kind: 'more' }
  | { readonly kind: 'wrong'; readonly reason: string };

const MORE: AofEntry = { kind: 'more' };
const LF = 10;
const CR = 13;
/** No header of a count or length is longer. */
const HEADER_MAX = 32;
const ARGS_MAX = 1_048_576;

/** Reads what stands at `at` of the bytes before `end`. */
export function parseEntry(bytes: Buffer, at: number, end: number): AofEntry {
  if (at >= end) return MORE;
  if (bytes[at] === 35) {
    const line = bytes.indexOf(LF, at);
    return line < 0 || line >= end ? MORE : { kind: 'remark', end: line + 1 };
  }
  const header = parseHeader(bytes, at, end, 42);
  if (typeof header === 'object') return header;
  if (header < 1 || header > ARGS_MAX) return { kind: 'wrong', reason: `a command of ${header} words` };
  let next = headerEnd(bytes, at);
  const args: string[] = [];
  for (let left = header; left > 0; left--) {
    const size = parseHeader(bytes, next, end, 36);
    if (typeof size === 'object') return size;
    const start = headerEnd(bytes, next);
    const stop = start + size;
    if (stop + 2 > end) return MORE;
    if (bytes[stop] !== CR || bytes[stop + 1] !== LF)
      return { kind: 'wrong', reason: 'a word is longer than announced' };
    args.push(bytes.toString('latin1', start, stop));
    next = stop + 2;
  }
  return { kind: 'command', args, end: next };
}

function headerEnd(bytes: Buffer, at: number): number {
  return bytes.indexOf(LF, at) + 1;
}

/** The number of a header line, `*3` or `$5`, or why it has none. */
function parseHeader(bytes: Buffer, at: number, end: number, type: number): number | AofEntry {
  if (at >= end) return MORE;
  if (bytes[at] !== type) {
    return { kind: 'wrong', reason: `'${String.fromCharCode(type)}' was expected and not byte ${bytes[at]}` };
  }
  let value = 0;
  for (let i = at + 1; i < end; i++) {
    const code = bytes[i]!;
    if (code === CR && i > at + 1) {
      if (i + 1 >= end) return MORE;
      return bytes[i + 1] === LF ? value : { kind: 'wrong', reason: 'the end of a line is missing' };
    }
    if (code < 48 || code > 57 || i - at > HEADER_MAX) return { kind: 'wrong', reason: 'a number is wrong' };
    value = value * 10 + code - 48;
  }
  return MORE;
}
