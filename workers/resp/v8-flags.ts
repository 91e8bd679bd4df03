/**
 * How a process that runs the engine is to be started (`npm run resp` says the same). V8's young generation grows to some 100 MB by itself,
 * which no command gets faster by and every process pays for. While the old generation is small, V8 collects all of it, and stops everybody, for
 * each ten megabytes of large values that come and go: it is to begin so later. A full
 * collection copies what is young and in use while everybody waits, unless it takes a page over as it is: it is to do so for pages of which
 * a tenth is in use, instead of seven tenths. All three decisions are in docs/performance.md. And an idle process collects by itself, for which
 * V8 has to be asked (`give-back.ts`).
 */
export const V8_FLAGS: readonly string[] = [
  '--max-semi-space-size=16',
  '--initial-old-space-size=64',
  '--page-promotion-threshold=10',
  '--expose-gc',
];
