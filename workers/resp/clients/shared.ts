import type { AuthRequest, AuthResult, ConnectionLimits, ExtraCommand, Saving, SoftLimit } from '../engine-api.ts';
import type { ValueCodec } from '../keyspace/codec.ts';
import type { Node } from '../keyspace/node.ts';
import type { Throttle } from './throttle.ts';

/** What all nodes of a process share, as far as that knows nothing of their clients. */
export interface Shared {
  /** Some can be changed by CONFIG SET while standalone. */
  readonly limits: { -readonly [K in keyof ConnectionLimits]: ConnectionLimits[K] };
  /** Replies that may wait for some time only. */
  readonly softLimits: { normal: SoftLimit; pubsub: SoftLimit; replica: SoftLimit & { readonly hard: number } };
  /** Standalone: what parameters of CONFIG were when the server started, as far as that was said. */
  readonly settings: ReadonlyMap<string, string>;
  /** Standalone: where CONFIG REWRITE writes to. */
  readonly configFile: string | undefined;
  readonly codec: ValueCodec | undefined;
  /** By name in lower case. */
  readonly extraCommands: ReadonlyMap<string, ExtraCommand>;
  /** True when the engine is a Redis server of its own: nothing is withheld. */
  readonly standalone: boolean;
  readonly saving: Saving | undefined;
  readonly startedAtMs: number;
  readonly runId: string;
  /** All nodes together take as much memory as the process may have. */
  full: boolean;
  port: number;
  /** The address it listens on. */
  bind: string;
  /** Standalone: the password of the default user, while it has no rules of its own. */
  requirePass: string | undefined;
  /** Decides where a password leads; undefined while standalone, where the node's own users are all there are. */
  authenticate: ((request: AuthRequest) => AuthResult | Promise<AuthResult>) | undefined;
  /** Slows those who guess passwords of a standalone server; elsewhere `authenticate` sees to that. */
  readonly throttle: Throttle;
  /** Standalone: listens on another port instead; what went wrong, if anything did. */
  listenOn(port: number): Promise<string | undefined>;
  /** Takes note of a command that threw; undefined lets it end the process. */
  readonly onFault: ((node: Node, command: string, error: unknown) => void) | undefined;
  /** Standalone: ends the process's engine. */
  shutdown(): void;
}
