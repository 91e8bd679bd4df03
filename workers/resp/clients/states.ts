/*
 * What a client may be in the midst of: waiting, a transaction, being told of changes.
 */

/** Why a client waits, and what ends it. */
export interface Blocked {
  readonly db: number;
  readonly keys: readonly string[];
  /** Replies if the key now has what is waited for, and says whether it did. */
  serve(key: string): boolean;
  /** Set when the key's removal ends the wait too, with an error. */
  readonly endsWhenRemoved?: boolean;
  /** Replies that the time is over. */
  timedOut(): void;
  timer: NodeJS.Timeout | undefined;
}

/** Commands queued by MULTI. */
export interface Transaction {
  readonly queue: (readonly string[])[];
  /** Size of the arguments in the queue. */
  bytes: number;
  /** A command was refused when queued, so EXEC must fail. */
  broken: boolean;
}

/** How a client wants to be told of changes to what it has read (client-side caching). */
export interface ClientTracking {
  /** The client that is told in its place, by its id; 0 for itself. */
  readonly redirect: number;
  readonly broadcast: boolean;
  readonly optIn: boolean;
  readonly optOut: boolean;
  readonly noLoop: boolean;
  prefixes: readonly string[];
  /** CLIENT CACHING was called: the next command counts (or does not). */
  caching: boolean;
  brokenRedirect: boolean;
}
