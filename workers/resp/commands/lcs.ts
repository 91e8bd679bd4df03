/** A run of bytes that both strings share, by its start in each. */
export interface LcsMatch {
  readonly a: number;
  readonly b: number;
  readonly length: number;
}

/** Cells of the table, or bytes of the result, between two steps. */
const CELLS_AT_ONCE = 16_384;

/** How many steps the longest common subsequence of strings of these lengths takes. */
export function lcsSteps(a: number, b: number): number {
  return (a * b) / CELLS_AT_ONCE;
}

/** The longest common subsequence of two byte strings and its runs, the last run first, as LCS IDX lists them; in steps. */
export function* lcs(a: string, b: string): Generator<void, { text: string; matches: LcsMatch[] }> {
  const width = b.length + 1;
  // Zeroed by the system as it is touched, not all at once.
  const table = new Uint32Array((a.length + 1) * width);
  const rows = Math.max(1, Math.floor(CELLS_AT_ONCE / width));
  for (let row = 1; row <= a.length; row += rows) {
    const end = Math.min(a.length, row + rows - 1);
    for (let from = 1; from <= b.length; from += CELLS_AT_ONCE) {
      fillCells(table, a, b, row, end, from, Math.min(b.length, from + CELLS_AT_ONCE - 1));
      yield;
    }
  }
  return yield* walkBack(table, a, b);
}

/** Fills some cells of some rows; where there is more than one row, all of their cells. */
function fillCells(
  table: Uint32Array,
  a: string,
  b: string,
  firstRow: number,
  lastRow: number,
  from: number,
  to: number,
): void {
  const width = b.length + 1;
  for (let i = firstRow; i <= lastRow; i++) {
    const code = a.charCodeAt(i - 1);
    for (let j = from, at = i * width + from; j <= to; j++, at++) {
      const above = table[at - width]!;
      const before = table[at - 1]!;
      if (code === b.charCodeAt(j - 1)) table[at] = table[at - width - 1]! + 1;
      else table[at] = above > before ? above : before;
    }
  }
}

function* walkBack(table: Uint32Array, a: string, b: string): Generator<void, { text: string; matches: LcsMatch[] }> {
  const width = b.length + 1;
  const reversed: string[] = [];
  const matches: LcsMatch[] = [];
  let i = a.length;
  let j = b.length;
  let length = 0;
  const close = (): void => {
    if (length > 0) matches.push({ a: i, b: j, length });
    length = 0;
  };
  for (let step = 1; i > 0 && j > 0; step++) {
    if (step % CELLS_AT_ONCE === 0) yield;
    if (a[i - 1] === b[j - 1]) {
      reversed.push(a[i - 1]!);
      length++;
      i--;
      j--;
      continue;
    }
    close();
    if (table[(i - 1) * width + j]! > table[i * width + j - 1]!) i--;
    else j--;
  }
  close();
  return { text: reversed.reverse().join(''), matches };
}
