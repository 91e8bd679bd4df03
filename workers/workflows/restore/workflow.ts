import { proxyActivities } from '@temporalio/workflow';

import type { RestoreInput } from '#infra/temporal/workflow-names.ts';

import { failureType, reasonOf, sentences } from '../failure.ts';
import { policies } from '../policy.ts';
import type { RestoreActivities } from './activities.ts';
import { swappedType, type RestorePlan } from './plan.ts';

const report = proxyActivities<RestoreActivities>(policies.report);
const transfer = proxyActivities<RestoreActivities>(policies.transfer);
const cleanUp = proxyActivities<RestoreActivities>(policies.cleanUp);

/**
 * Puts a backup's data into a node: a new one that waits for it, or one that has data of its own. It begins at what the log says
 * and completes also when the restore fails: the failure is in the log then.
 */
export async function restore(input: RestoreInput): Promise<'completed' | 'failed' | 'over'> {
  let plan: RestorePlan | null = null;
  try {
    const begun = await report.beginRestore(input);
    if (begun.phase === 'over') return 'over';
    plan = begun.plan;
    // Data that would be lost is not put at risk for an object that can't be loaded or holds something else.
    if (plan.inPlace) await transfer.checkObject(plan);
    const restored = await transfer.restoreNode(plan);
    await report.finishRestore(input, restored);
    return 'completed';
  } catch (error) {
    await fail(input, plan, error);
    return 'failed';
  }
}

async function fail(input: RestoreInput, plan: RestorePlan | null, error: unknown): Promise<void> {
  await report.failRestore(input, sentences(reasonOf(error), await aftermath(input, plan, error)).trim());
}

/** What has become of the node, and the end of the new one that got no data. */
async function aftermath(input: RestoreInput, plan: RestorePlan | null, error: unknown): Promise<string> {
  if (plan?.inPlace === true) {
    return failureType(error) === swappedType
      ? 'The node holds what the object had; its earlier data is gone.'
      : "The node's data is as it was before.";
  }
  try {
    const removed = await cleanUp.removeNewNode(input);
    return removed ? 'The new node was removed.' : '';
  } catch (failure) {
    return `The new node could not be removed, delete it yourself: ${reasonOf(failure)}`;
  }
}
