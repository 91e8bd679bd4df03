import { median, type Print } from '../tools/figure.ts';

/** Measures several servers in alternation, so that what else the machine does falls on all of them. Resolves with each one's samples, by round. */
export async function alternate<Subject, Sample>(
  subjects: readonly Subject[],
  rounds: number,
  measure: (subject: Subject, round: number) => Promise<Sample>,
): Promise<Sample[][]> {
  const samples: Sample[][] = subjects.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < subjects.length; turn++) {
      // Nobody is always first, nor always after the same neighbour.
      const index = (turn + round) % subjects.length;
      const subject = subjects[index];
      if (subject !== undefined) samples[index]?.push(await measure(subject, round));
    }
  }
  return samples;
}

interface Comparison {
  readonly name: string;
  readonly peer: string;
  readonly unit: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** Prints medians of both sides, and the median and range of the ratios within rounds. */
export function compare(print: Print, what: Comparison, ours: readonly number[], theirs: readonly number[]): void {
  const ratios = ours.map((value, round) => value / (theirs[round] ?? Number.NaN));
  print({
    ...what,
    ours: median(ours),
    theirs: median(theirs),
    ratio: median(ratios),
    spread: [Math.min(...ratios), Math.max(...ratios)],
  });
}

/** Makes many things, ten at a time. */
export async function inBatches<Thing>(count: number, make: (index: number) => Promise<Thing>): Promise<Thing[]> {
  const made: Thing[] = [];
  while (made.length < count) {
    const batch = Array.from({ length: Math.min(10, count - made.length) }, (_, index) => make(made.length + index));
    made.push(...(await Promise.all(batch)));
  }
  return made;
}
