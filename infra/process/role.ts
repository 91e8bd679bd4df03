import type { Config } from '#infra/config/config.ts';
import type { Logger } from '#infra/logging/log.ts';

/** Whether a role can do its work right now, and what it says about itself; `detail` holds no secret. */
export interface Readiness {
  readonly ready: boolean;
  readonly detail: Record<string, unknown>;
}

/** A part of the platform that runs in this process. */
export interface RunningRole {
  readiness(): Promise<Readiness>;
  /** What the role has to say at `/metrics` beside the figures of its process, in the Prometheus text format. */
  metrics?(): Promise<string>;
  /** Takes nothing new on, finishes what it has begun, and lets go of everything. */
  stop(): Promise<void>;
}

/** Starts a role; it rejects when the role cannot start, and never calls `process.exit`. */
export type StartRole = (config: Config, log: Logger) => Promise<RunningRole>;
