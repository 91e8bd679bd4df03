import { setTimeout as sleep } from 'node:timers/promises';

import type { Logger } from '#infra/logging/log.ts';
import { TemporalAway, type TemporalClient, type WorkflowStatus } from '#infra/temporal/client.ts';
import type { WorkflowCall } from '#infra/temporal/workflow-names.ts';

/** An operation that has not ended, and the workflow that carries it out. */
export interface OpenOperation {
  readonly id: string;
  readonly call: WorkflowCall;
  readonly createdAt: Date;
  /** When it last got on. */
  readonly updatedAt: Date;
}

export interface SweeperParts {
  readonly openOperations: () => Promise<readonly OpenOperation[]>;
  readonly temporal: Pick<TemporalClient, 'start' | 'status'>;
  /** Compensates and reports the failure without Temporal. */
  readonly giveUp: (call: WorkflowCall, reason: string) => Promise<void>;
  readonly logger: Logger;
}

export const sweeperTimes = {
  every_ms: 2000,
  /** Younger operations are the reactions' business. */
  grace_ms: 4000,
  /** An operation without a living workflow that has not got on for so long fails. Time counts from this process's start. */
  limit_ms: 30 * 60_000,
  /** A workflow that keeps failing is started less and less often. */
  restartMax_ms: 60_000,
};

/**
 * Sees to it that every operation ends, whatever becomes of Temporal: a workflow that it has forgotten (its database was dropped)
 * or that ended without the operation's end is started again; one that can't be helped is reported as failed.
 */
export function startSweeper(parts: SweeperParts, times = sweeperTimes): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const startedAt = Date.now();
  const restarts = new Map<string, { count: number; nextAt: number }>();

  const see = async (operation: OpenOperation, status: WorkflowStatus | 'away', now: number): Promise<void> => {
    const { temporal, logger } = parts;
    const { id, call } = operation;
    if (status === 'running') return;
    if (now - Math.max(operation.updatedAt.getTime(), startedAt) > times.limit_ms) {
      logger.error({ operation: id, workflow: status }, 'an operation without a workflow is given up');
      await parts.giveUp(call, reasonFor(status, times.limit_ms));
      return;
    }
    // The read model is a moment behind a workflow that has just completed.
    if (status === 'completed' || status === 'away') return;
    const { count, nextAt } = restarts.get(id) ?? { count: 0, nextAt: 0 };
    if (now < nextAt) return;
    restarts.set(id, { count: count + 1, nextAt: now + Math.min(times.every_ms * 2 ** count, times.restartMax_ms) });
    logger.warn({ operation: id, workflow: status }, 'an operation has lost its workflow, which is started again');
    await temporal.start({ ...call, id });
  };

  const sweep = async (): Promise<void> => {
    const now = Date.now();
    const open = await parts.openOperations();
    const ids = new Set(open.map(({ id }) => id));
    for (const id of restarts.keys()) if (!ids.has(id)) restarts.delete(id);
    let away = false;
    let failure: unknown = null;
    for (const operation of open) {
      if (stopping.signal.aborted) return;
      if (now - operation.createdAt.getTime() <= times.grace_ms) continue;
      try {
        // A server that is away takes seconds to say so; once a sweep is enough.
        const status: WorkflowStatus | 'away' = away
          ? 'away'
          : await parts.temporal.status(operation.id).catch(unlessAway);
        away = status === 'away';
        await see(operation, status, now);
      } catch (error) {
        // One that can't be helped right now must not stand before the others.
        failure ??= error;
      }
    }
    if (failure !== null) throw failure;
    if (away) throw new TemporalAway('Temporal does not answer.');
  };

  const keep = async (): Promise<void> => {
    let problem: string | null = null;
    while (!stopping.signal.aborted) {
      try {
        await sweep();
        problem = null;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        if (message !== problem)
          parts.logger.warn({ err: error }, 'operations could not be looked after; trying again');
        problem = message;
      }
      await sleep(times.every_ms, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const kept = keep();

  return {
    stop: async () => {
      stopping.abort();
      await kept;
    },
  };
}

function unlessAway(error: unknown): 'away' {
  if (error instanceof TemporalAway) return 'away';
  throw error;
}

function reasonFor(status: WorkflowStatus | 'away', limit_ms: number): string {
  const minutes = Math.round(limit_ms / 60_000);
  if (status === 'away')
    return `Temporal, which carries out backups and restores, has been away for ${minutes} minutes.`;
  return `It has not got on for ${minutes} minutes: its workflow is ${status}, however often it is started.`;
}
