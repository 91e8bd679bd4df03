import { proxyActivities } from '@temporalio/workflow';

import type { BackupInput } from '#infra/temporal/workflow-names.ts';

import { reasonOf, sentences } from '../failure.ts';
import { policies } from '../policy.ts';
import type { BackupActivities } from './activities.ts';

const report = proxyActivities<BackupActivities>(policies.report);
const transfer = proxyActivities<BackupActivities>(policies.transfer);
const cleanUp = proxyActivities<BackupActivities>(policies.cleanUp);

/**
 * Takes a snapshot of a node into the object store, catalogues it, and verifies what was stored. It begins at what the log says, so
 * one that is started anew after Temporal has forgotten it goes on where it was. It completes also when the backup fails: the
 * failure is in the log then.
 */
export async function backup(input: BackupInput): Promise<'verified' | 'failed' | 'over'> {
  try {
    const begun = await report.beginBackup(input);
    if (begun.phase === 'over') return 'over';
    const content =
      begun.phase === 'verify'
        ? begun.content
        : await report.catalogueBackup(input, await transfer.takeSnapshot(input));
    await transfer.verifyBackup(input, content);
    await report.finishBackup(input);
  } catch (error) {
    await fail(input, reasonOf(error));
    return 'failed';
  }
  // The backup is good; an attempt that left a second object must not make it bad.
  await cleanUp.removeStrayObjects(input).catch(() => {});
  return 'verified';
}

async function fail(input: BackupInput, reason: string): Promise<void> {
  let left = '';
  try {
    await cleanUp.discardObjects(input);
  } catch (error) {
    left = `What it had stored could not be removed: ${reasonOf(error)}`;
  }
  await report.failBackup(input, sentences(reason, left).trim());
}
