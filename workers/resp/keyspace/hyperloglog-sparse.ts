import { HEADER } from './hyperloglog.ts';

/** The greatest value and run of registers that the sparse form can hold, and the longest run of zeros in one byte. */
const SPARSE_VALUE_MAX = 32;
const VALUE_RUN_MAX = 4;
const ZERO_RUN_MAX = 64;

/** What came of raising a register: it was high enough, it was raised, the dense form is needed, or the bytes are damaged. */
export type Raised = 'same' | 'raised' | 'dense' | 'damaged';

/** A HyperLogLog in its sparse form while it is being changed. */
export interface SparseHll {
  bytes: Buffer;
}

interface Run {
  readonly at: number;
  /** Where the run before begins, or -1. */
  readonly before: number;
  readonly first: number;
  readonly length: number;
  readonly size: number;
  /** 0 for a run of zeros. */
  readonly value: number;
}

function findRun(bytes: Buffer, index: number): Run | undefined {
  let first = 0;
  let before = -1;
  for (let at = HEADER; at < bytes.length;) {
    const head = bytes[at]!;
    const isLong = (head & 0xc0) === 0x40;
    const size = isLong ? 2 : 1;
    let length = (head & 63) + 1;
    if (head & 0x80) length = (head & 3) + 1;
    else if (isLong) length = (((head & 63) << 8) | (bytes[at + 1] ?? 0)) + 1;
    if (index < first + length) {
      return { at, before, first, length, size, value: head & 0x80 ? ((head >>> 2) & 31) + 1 : 0 };
    }
    before = at;
    at += size;
    first += length;
  }
  return undefined;
}

function valueRun(value: number, length: number): number {
  return 0x80 | ((value - 1) << 2) | (length - 1);
}

function pushRun(bytes: number[], value: number, length: number): void {
  if (length === 0) return;
  if (value > 0) bytes.push(valueRun(value, length));
  else if (length > ZERO_RUN_MAX) bytes.push(0x40 | ((length - 1) >>> 8), (length - 1) & 255);
  else bytes.push(length - 1);
}

/** Raises a register, as Redis does it byte for byte. */
export function raiseSparse(hll: SparseHll, index: number, count: number, bytesMax: number): Raised {
  if (count > SPARSE_VALUE_MAX) return 'dense';
  const { bytes } = hll;
  const run = findRun(bytes, index);
  if (run === undefined) return 'damaged';
  const { at, first, length, size, value } = run;
  if (value >= count) return 'same';
  if (length === 1 && size === 1) bytes[at] = valueRun(count, 1);
  else {
    const replacement: number[] = [];
    pushRun(replacement, value, index - first);
    replacement.push(valueRun(count, 1));
    pushRun(replacement, value, first + length - 1 - index);
    const more = replacement.length - size;
    if (more > 0 && bytes.length + more > bytesMax) return 'dense';
    hll.bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(replacement), bytes.subarray(at + size)]);
  }
  joinRuns(hll, run.before < 0 ? HEADER : run.before);
  return 'raised';
}

/** Joins neighbours of the same value from a place on; five runs are looked at, which is as far as a change can reach. */
function joinRuns(hll: SparseHll, from: number): void {
  let { bytes } = hll;
  let at = from;
  for (let scanned = 0; at < bytes.length && scanned < 5; scanned++) {
    const head = bytes[at]!;
    const next = bytes[at + 1];
    if ((head & 0x80) === 0) {
      at += head & 0x40 ? 2 : 1;
      continue;
    }
    const total = (head & 3) + ((next ?? 0) & 3) + 2;
    if (next !== undefined && next >= 0x80 && (next & 0x7c) === (head & 0x7c) && total <= VALUE_RUN_MAX) {
      bytes[at] = (head & 0xfc) | (total - 1);
      bytes = Buffer.concat([bytes.subarray(0, at + 1), bytes.subarray(at + 2)]);
      continue;
    }
    at++;
  }
  hll.bytes = bytes;
}
