import type { Departure } from '../engine-api.ts';

/** What a client's replies go out through; clients that live inside the engine have none. */
export interface Transport {
  /** Something was added to the replies outside the client's own request. */
  schedule(): void;
  /** The client can go on with its input (it was unblocked, or the pause is over). */
  resume(): void;
  /** Sends what waits and closes. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
  /** Gives the connection away once its replies are out; the request it waits for is carried out there. */
  leave(to: (connection: Departure) => void): void;
  /** Bytes of input kept, and of output not yet taken by the peer. */
  sizes(): { input: number; output: number };
}
