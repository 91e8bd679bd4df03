import { pinOf } from './history.ts';
import type { NodeHistory } from './history.ts';
import type { SharedLog } from './log.ts';

/** When bases are written. */
export interface CompactionLimits {
  /** A node's share of the log at which its base is written anew, if it is larger than the base too. */
  readonly nodeBytes: number;
  /** Size of the whole log beyond which the nodes that hold its oldest segment are given new bases. */
  readonly logBytes: number;
}

/** After a compaction failed, for example because the disk is full, it is not tried again at once. */
const RETRY_MS = 5000;

/** Whether a node's share of the log has grown out of proportion. */
function isLarge({ bytes, base, failure }: NodeHistory, { nodeBytes }: CompactionLimits): boolean {
  return failure === undefined && bytes > nodeBytes && bytes > (base?.bytes ?? 0);
}

/** The position before which no node needs anything of the log. */
export function neededFrom(histories: Iterable<NodeHistory>, log: SharedLog): number {
  let least = log.durable;
  for (const history of histories) least = Math.min(least, pinOf(history));
  return least;
}

/** The node with the largest share over its limit; else, while the log is too large, the one that holds its oldest part. */
function nextToRebase(
  histories: Iterable<NodeHistory>,
  log: SharedLog,
  limits: CompactionLimits,
): NodeHistory | undefined {
  let largest: NodeHistory | undefined;
  let oldest: NodeHistory | undefined;
  for (const history of histories) {
    if (isLarge(history, limits) && history.bytes > (largest?.bytes ?? 0)) largest = history;
    const older = oldest === undefined || pinOf(history) < pinOf(oldest);
    if (history.bytes > 0 && history.failure === undefined && older) oldest = history;
  }
  if (largest !== undefined || log.bytes <= limits.logBytes) return largest;
  // The last segment is written to and stays, so nothing is gained by a base for what lies in it.
  const last = log.segments.at(-1)?.start ?? 0;
  return oldest !== undefined && pinOf(oldest) < last ? oldest : undefined;
}

/** Gives nodes new bases in the background, one after the other, so that old segments can go. */
export class Compaction {
  private readonly histories: ReadonlyMap<string, NodeHistory>;
  private readonly log: SharedLog;
  private readonly limits: CompactionLimits;
  private readonly rebase: (id: string) => Promise<void>;
  private readonly onTrouble: (message: string) => void;
  private running: Promise<void> | undefined;
  private notBefore = 0;

  constructor(
    histories: ReadonlyMap<string, NodeHistory>,
    log: SharedLog,
    limits: CompactionLimits,
    rebase: (id: string) => Promise<void>,
    onTrouble: (message: string) => void,
  ) {
    this.histories = histories;
    this.log = log;
    this.limits = limits;
    this.rebase = rebase;
    this.onTrouble = onTrouble;
  }

  /** To be called when a node's share has grown; starts a compaction when that is due. */
  grown(history: NodeHistory): void {
    if (isLarge(history, this.limits)) this.start();
  }

  /** Looks whether there is something to compact. */
  start(): void {
    if (this.running !== undefined || performance.now() < this.notBefore) return;
    this.running = this.run()
      .catch((error: unknown) => {
        this.notBefore = performance.now() + RETRY_MS;
        this.onTrouble(
          `The write-ahead log could not be compacted: ${error instanceof Error ? error.message : String(error)}`,
        );
      })
      .finally(() => {
        this.running = undefined;
      });
  }

  /** Ends after the node that it is at. */
  async stop(): Promise<void> {
    this.notBefore = Infinity;
    await this.running;
  }

  private async run(): Promise<void> {
    await this.log.release(neededFrom(this.histories.values(), this.log));
    while (this.notBefore !== Infinity) {
      const next = nextToRebase(this.histories.values(), this.log, this.limits);
      if (next === undefined) return;
      await this.rebase(next.id);
    }
  }
}
