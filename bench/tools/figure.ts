/** One measured figure. `theirs` is the named peer's in the same run; a figure without a peer stands for itself. */
interface Figure {
  readonly name: string;
  readonly peer: string | null;
  readonly ours: number;
  readonly theirs: number | null;
  readonly unit: string;
}

export type Print = (figure: Figure) => void;
/** What each file of bench/ exports as `bench`. */
export type Bench = (print: Print) => Promise<void>;

/** Prints figures as JSON lines `{name, peer, ours, theirs, ratio, unit}`, or for people. */
export function printer(json: boolean): Print {
  return ({ name, peer, ours, theirs, unit }) => {
    const ratio = theirs === null || theirs === 0 ? null : round(ours / theirs);
    if (json) {
      const figure = { name, peer, ours: round(ours), theirs: theirs === null ? null : round(theirs), ratio, unit };
      console.log(JSON.stringify(figure));
      return;
    }
    const beside = theirs === null ? '' : `   ${peer}: ${round(theirs)} ${unit}   ratio ${ratio}`;
    console.log(`${name.padEnd(34)} ${String(round(ours)).padStart(10)} ${unit}${beside}`);
  };
}

const round = (value: number) => Math.round(value * 1000) / 1000;

/** The value below which `share` (0 to 1) of the samples lie. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
