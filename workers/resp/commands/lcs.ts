/** A run of bytes that both strings share, by its start in each. */
export interface LcsMatch {
  readonly a: number;
  readonly b: number;
  readonly length: number;
}

/** The longest common subsequence of two byte strings and its runs, the last run first, as LCS IDX lists them. */
export function lcs(a: string, b: string): { text: string; matches: LcsMatch[] } {
  const width = b.length + 1;
  const table = new Uint32Array((a.length + 1) * width);
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      table[i * width + j] =
        a.charCodeAt(i - 1) === b.charCodeAt(j - 1)
          ? table[(i - 1) * width + j - 1]! + 1
          : Math.max(table[(i - 1) * width + j]!, table[i * width + j - 1]!);
    }
  }
  const reversed: string[] = [];
  const matches: LcsMatch[] = [];
  let i = a.length;
  let j = b.length;
  let length = 0;
  const close = (): void => {
    if (length > 0) matches.push({ a: i, b: j, length });
    length = 0;
  };
  while (i > 0 && j > 0) {
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
