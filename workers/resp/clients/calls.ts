/** What the statistics need to know of a command. */
export interface CalledCommand {
  readonly fullName: string;
  readonly fast: boolean;
  readonly skipsSlowLog: boolean;
}

/** A call that has not replied yet, for the statistics. */
export interface SuspendedCall {
  readonly command: CalledCommand;
  readonly args: readonly string[];
  /** What it has taken so far. */
  readonly microseconds: number;
  /** Why its user may not make it any more, as an error line. */
  refusal(): string | undefined;
}

/** Times at which an event took long. */
export interface LatencyEvent {
  /** Seconds since 1970 and milliseconds, the oldest first, at most one a second. */
  readonly samples: { readonly at: number; milliseconds: number }[];
  maxMs: number;
}

/** A call that took long, as SLOWLOG shows it. */
export interface SlowEntry {
  readonly id: number;
  readonly atSeconds: number;
  readonly microseconds: number;
  readonly args: readonly string[];
  readonly address: string;
  readonly name: string;
}

/** What INFO tells of a command. */
export interface CommandStat {
  calls: number;
  microseconds: number;
  rejected: number;
  failed: number;
  /** Calls by the power of two of their nanoseconds; see latency-histogram.ts. */
  histogram: number[] | undefined;
}
