type Requests = Iterable<readonly string[]>;

/** What is run, what is run before each time, and what it needs beside. */
type PauseCase = readonly [
  name: string,
  run: readonly (readonly string[])[],
  more?: {
    /** Run each time before, unwatched. Elements of the large value: `size`. */
    readonly before?: readonly (readonly string[])[] | ((size: number) => Requests);
  },
];

/** Commands on the same large values. */
export interface PauseGroup {
  readonly name: string;
  /** Makes them, in an empty node. */
  readonly fill: (size: number) => Requests;
  /** Other connections of the node, which have run this. */
  readonly clients?: { readonly count: number; readonly run: readonly (readonly string[])[] };
  readonly cases: readonly PauseCase[];
}

/** Requests that begin with `head` and have `words` of so many things each. */
export function* every(
  size: number,
  each: number,
  words: (n: number) => readonly string[],
  head: readonly string[],
): Requests {
  for (let from = 0; from < size; from += each) {
    const request = [...head];
    for (let n = from; n < Math.min(size, from + each); n++) for (const word of words(n)) request.push(word);
    yield request;
  }
}

/** Many keys with short values. */
export const keys = (size: number): Requests => every(size, 500, (n) => [`key:${n}`, `value:${n}`], ['MSET']);

/** Before each time `copy` is made anew from a large value. */
export const copyOf = (key: string) => ({ before: [['COPY', key, 'copy', 'REPLACE']] }) as const;

/** Many words, numbered. */
export const numbered = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, n) => `${prefix}${n}`);
