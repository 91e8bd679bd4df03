import type { ActivityOptions } from '@temporalio/workflow';

/**
 * How activities are retried and given up on, by what they do. All of them give signs of life, so that a worker that was killed is
 * missed after the heartbeat's timeout and another attempt begins.
 */
export const policies = {
  /**
   * Commands to the log, which end the operation: there is nothing else to do than to try until PostgreSQL is back. The limit is
   * of one attempt.
   */
  report: {
    startToCloseTimeout: '1m',
    heartbeatTimeout: '5s',
    retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' },
  },
  /**
   * Work on a node's data, which takes as long as there is data. With a node manager or PostgreSQL away it is tried for some six
   * minutes.
   */
  transfer: {
    startToCloseTimeout: '6h',
    heartbeatTimeout: '5s',
    retry: { initialInterval: '500ms', backoffCoefficient: 1.5, maximumInterval: '10s', maximumAttempts: 40 },
  },
  /** Clearing away what a failure left. The failure is reported in any case. */
  cleanUp: {
    startToCloseTimeout: '1m',
    heartbeatTimeout: '5s',
    retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '10s', maximumAttempts: 8 },
  },
} as const satisfies Record<string, ActivityOptions>;

/**
 * How many attempts an error of a node manager is worth, by its first word. What the object or the node's memory is the
 * reason for stays as it is however often it is asked; a manager that has just started may not know the node yet or be loading it.
 */
export const refusalAttempts: Readonly<Record<string, number>> = {
  SNAPSHOT: 6,
  VERIFY: 3,
  RESTORE: 3,
  LOADING: 40,
  BUSY: 40,
  WRONGPASS: 20,
  NOAUTH: 20,
};

/** Attempts for errors that are not in the table. */
export const refusalAttemptsDefault = 4;
