/**
 * The request that was read last, while its bytes still lie where they were read from. A log that keeps requests in the form in
 * which they come takes these bytes instead of making them anew, and what lies side by side is copied in one go.
 */
const NOTHING: Buffer = Buffer.alloc(0);
const latest = { args: undefined as readonly string[] | undefined, bytes: NOTHING, start: 0, end: 0 };

/** Where bytes are to be copied to; a larger buffer may take the place of the first. */
export interface CopyTarget {
  readonly bytes: Buffer;
}

/** The copy that was asked for and has not been made yet. */
let target: CopyTarget | undefined;
let at = 0;
let source = NOTHING;
let from = 0;
let to = 0;

/** Takes note of a request that was read from a place of a buffer, in exactly the form in which `writeRequest` makes it. */
export function cameAs(args: readonly string[], bytes: Buffer, start: number, end: number): void {
  latest.args = args;
  latest.bytes = bytes;
  latest.start = start;
  latest.end = end;
}

/** How many bytes a request took as it came; 0 when they are not there (any more). */
export function bytesAsItCame(args: readonly string[]): number {
  return args === latest.args ? latest.end - latest.start : 0;
}

/** Copies the request that was read last to a place, at the latest when `copyNow` is called: who reads from there calls it before. */
export function copyAsItCame(into: CopyTarget, place: number): void {
  const { bytes, start, end } = latest;
  if (target === into && source === bytes && start === to && place === at + to - from) {
    to = end;
    return;
  }
  copyNow();
  target = into;
  at = place;
  source = bytes;
  from = start;
  to = end;
}

/** Makes the copy that was asked for. */
export function copyNow(): void {
  if (target === undefined) return;
  target.bytes.set(source.subarray(from, to), at);
  target = undefined;
  source = NOTHING;
}

/** The buffer that was read from is about to be used for something else. */
export function forgetAsItCame(): void {
  copyNow();
  latest.args = undefined;
  latest.bytes = NOTHING;
}
