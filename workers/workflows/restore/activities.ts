import { backupDecider } from '#domains/backup/decider.ts';
import { backupStream } from '#domains/backup/events.ts';
import type { NodeState } from '#domains/node/decider.ts';
import { loadState } from '#infra/commands/execute.ts';
import type { PlatformTarget, Restoration } from '#infra/redis/platform-client.ts';
import type { RestoreInput } from '#infra/temporal/workflow-names.ts';

import { alive } from '../activity.ts';
import { permanent } from '../failure.ts';
import { reachableNode } from '../node-target.ts';
import type { WorkflowParts } from '../parts.ts';
import { swappedType, type RestoreBeginning, type RestorePlan } from './plan.ts';
import { failRestore, readRestore, removeNewNode, tellRestore } from './reports.ts';

export type RestoreActivities = ReturnType<typeof restoreActivities>;

/** The steps of a restore. Each may be repeated: reports change nothing the second time, and loading again gives the same data. */
export function restoreActivities(parts: WorkflowParts) {
  /** What an attempt whose answer was lost put into the node; how much of it had expired then is not known any more. */
  const alreadyIn = async (plan: RestorePlan, target: PlatformTarget, signal: AbortSignal): Promise<Restoration> => {
    const { keys, digest } = await parts.platform.verify(target, plan.objectKey, plan.sha256, signal);
    return { keys, expiredKeys: 0, digest };
  };

  const reach = ({ nodeId, inPlace }: RestorePlan) => reachableNode(parts, nodeId, statesFor(inPlace));

  return {
    /** Says in the log that the restore has begun, and what it is to do. */
    beginRestore: (input: RestoreInput): Promise<RestoreBeginning> =>
      alive(async () => {
        const found = await readRestore(parts, input);
        if (found.state.status !== 'requested' && found.state.status !== 'running') return { phase: 'over' };
        const { operationId, nodeId, backupId, inPlace } = found.request.data;
        const { state: backup } = await loadState(parts.log, backupStream(backupId), backupDecider);
        if (backup.content === null || (backup.status !== 'completed' && backup.status !== 'verified')) {
          throw permanent(`The backup is ${backup.status}; only a completed or verified one restores.`);
        }
        await tellRestore(parts, found, { type: 'ReportRestoreStarted', data: { operationId } });
        const { objectKey, sha256, digest } = backup.content;
        return { phase: 'restore', plan: { operationId, nodeId, inPlace, objectKey, sha256, digest } };
      }),

    /** Has the object read and loaded aside, and compares what it holds with what the backup is said to hold. */
    checkObject: (plan: RestorePlan): Promise<void> =>
      alive(async (signal) => {
        const { digest } = await parts.platform.verify(await reach(plan), plan.objectKey, plan.sha256, signal);
        if (digest !== plan.digest) throw permanent(different(plan, digest));
      }),

    /** Puts the object's data into the node. */
    restoreNode: (plan: RestorePlan): Promise<Restoration> =>
      alive(async (signal) => {
        const target = await reach(plan);
        // A new node runs once it has its data, so an earlier attempt gave it that; what clients have written since stays.
        if (!plan.inPlace && target.status === 'running') return alreadyIn(plan, target, signal);
        const { objectKey, sha256, operationId } = plan;
        const restored = await parts.platform.restore(target, objectKey, sha256, operationId, signal);
        if (restored.digest !== plan.digest) throw permanent(different(plan, restored.digest), swappedType);
        return restored;
      }),

    finishRestore: (input: RestoreInput, { keys, expiredKeys, digest }: Restoration): Promise<void> =>
      alive(async () => {
        const found = await readRestore(parts, input);
        const { operationId } = found.request.data;
        const data = { operationId, keys, expiredKeys, digest };
        await tellRestore(parts, found, { type: 'ReportRestoreCompleted', data });
      }),

    removeNewNode: (input: RestoreInput): Promise<boolean> => alive(() => removeNewNode(parts, input)),

    failRestore: (input: RestoreInput, reason: string): Promise<void> => alive(() => failRestore(parts, input, reason)),
  };
}

/** A node with data of its own must be running; a new one is being made, or runs when an earlier attempt gave it its data. */
function statesFor(inPlace: boolean): ReadonlyArray<NodeState['status']> {
  return inPlace ? ['running'] : ['requested', 'provisioning', 'running'];
}

function different({ digest }: RestorePlan, found: string): string {
  return `The stored object is not what was backed up: its data has the digest ${found} instead of ${digest}.`;
}
