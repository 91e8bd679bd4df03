/**
 * One measured figure. `theirs` is the named peer's in the same run; a figure without a peer stands for itself. The bound is
 * of the ratio, or of `ours` where there is no peer.
 */
export interface Figure {
  readonly name: string;
  readonly peer: string | null;
  readonly ours: number;
  readonly theirs: number | null;
  readonly unit: string;
  /** The median of the rounds' own ratios; `ours / theirs` unless given. */
  readonly ratio?: number;
  /** The lowest and the highest ratio of a round. */
  readonly spread?: readonly [number, number];
  readonly atLeast?: number;
  readonly atMost?: number;
}

export type Print = (figure: Figure) => void;

/** What the command line asks of a bench; those that have no rounds and parts take no notice. */
export interface BenchOptions {
  /** Parts to run; empty for all. */
  readonly only: readonly string[];
  /** Commands to measure, in upper case; empty for all. */
  readonly tests: readonly string[];
  readonly rounds: number;
  /** Shorter rounds and smaller sizes: for a look at a change, not for a figure to quote. */
  readonly quick: boolean;
}

/** What each file of bench/ exports as `bench`. */
export type Bench = (print: Print, options: BenchOptions) => Promise<void>;

/** Prints figures as JSON lines `{name, peer, ours, theirs, ratio, unit}` (and the spread and the bound, if any), or for people. */
export function printer(json: boolean): Print {
  return (figure) => {
    const { name, peer, ours, theirs, unit } = figure;
    const ratio = ratioOf(figure);
    const spread = figure.spread?.map(round);
    const bound = boundOf(figure);
    if (json) {
      const line = { name, peer, ours: round(ours), theirs: theirs === null ? null : round(theirs), ratio, unit };
      console.log(JSON.stringify({ ...line, ...(spread && { spread }), ...bound }));
      return;
    }
    const among = spread === undefined ? '' : ` (${spread.join(' to ')})`;
    const beside = theirs === null ? '' : `   ${peer}: ${round(theirs)} ${unit}   ratio ${ratio}${among}`;
    const verdict = bound === undefined ? '' : `   ${bound.met ? 'meets' : 'MISSES'} ${bound.bound}`;
    console.log(`${name.padEnd(46)} ${String(round(ours)).padStart(11)} ${unit}${beside}${verdict}`);
  };
}

/** `ours` to `theirs`; null without a peer. */
export function ratioOf({ ours, theirs, ratio }: Figure): number | null {
  return theirs === null || theirs === 0 ? null : round(ratio ?? ours / theirs);
}

/** What a figure must be, and whether it is; undefined when nothing is asked of it. */
export function boundOf(figure: Figure): { readonly bound: string; readonly met: boolean } | undefined {
  const { atLeast, atMost } = figure;
  if (atLeast === undefined && atMost === undefined) return undefined;
  const value = ratioOf(figure) ?? figure.ours;
  const bounds = [
    ...(atLeast === undefined ? [] : [`>= ${atLeast}`]),
    ...(atMost === undefined ? [] : [`<= ${atMost}`]),
  ];
  return { bound: bounds.join(' and '), met: value >= (atLeast ?? -Infinity) && value <= (atMost ?? Infinity) };
}

const round = (value: number) => Math.round(value * 1000) / 1000;

/** The value below which `share` (0 to 1) of the samples lie. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export const median = (samples: readonly number[]): number => percentile(samples, 0.5);
