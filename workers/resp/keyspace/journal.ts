/** One deterministic effect of a write, as Redis would propagate it: `args[0]` is the command's name. Byte strings. */
export interface Effect {
  readonly db: number;
  readonly args: readonly string[];
}

/**
 * Where a node's effects go to survive a crash. The engine calls it synchronously on the hot path; what is appended
 * in one tick is flushed together.
 */
export interface NodeJournal {
  /** False when the node promises nothing: then there is no need to tell of effects. */
  readonly records: boolean;
  /** Buffers one effect. Never throws and never waits. */
  append(db: number, args: readonly string[]): void;
  /** Buffers effects that must be recovered together or not at all (a MULTI block, or one command with several effects). */
  appendBlock(effects: readonly Effect[]): void;
  /**
   * True while something appended is not yet as safe as the node promises (`always`: not yet fsynced; `everysec` of a
   * standalone server: not yet written). Replies of this node are held meanwhile, and while the disk lags far behind, so that
   * writers slow down.
   */
  readonly holdsReplies: boolean;
  /** Whether all that was appended until now is on the disk. */
  readonly isDurable: boolean;
  /** Calls back once replies about all that was appended until now may leave (`true`), or never may (`false`). */
  whenKept(callback: (kept: boolean) => void): void;
  /** Calls back once all that was appended until now is durable (`true`), or can't be made so (`false`). */
  whenDurable(callback: (durable: boolean) => void): void;
  /** Why nothing can be written down any more; undefined while all is well. Writes are refused with MISCONF meanwhile. */
  readonly failure: string | undefined;
}
