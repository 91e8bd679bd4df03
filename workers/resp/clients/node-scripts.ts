/** A node's scripts and functions, and the one that is running. */
export interface NodeScripts {
  /** What others are told instead of being kept waiting; undefined while they wait, or nothing runs. */
  readonly busy: string | undefined;
  /** Whether the script or function of an EVAL, EVALSHA or FCALL says of itself that it does not write. */
  readsOnly(request: readonly string[]): boolean;
  /** Ends what is running. */
  kill(kind: 'eval' | 'function'): 'killed' | 'wrote' | 'none' | 'other';
  /** The node is gone: what is running has to come to its end. */
  close(): void;
  /** The node's libraries were exchanged as a whole. */
  reloadFunctions(): void;
  /** Calls back once nothing runs, or those who wait are to be told. */
  whenFree(callback: () => void): void;
  readonly sizes: ScriptSizes;
}

/** What INFO and MEMORY tell of a node's scripts. */
export interface ScriptSizes {
  readonly scripts: number;
  readonly libraries: number;
  readonly functions: number;
  /** Bytes of the states that scripts and functions run in. */
  readonly evalStateBytes: number;
  readonly functionStateBytes: number;
  /** Bytes of what is kept of them outside. */
  readonly scriptBytes: number;
  readonly functionBytes: number;
}
