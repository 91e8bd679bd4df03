import { randomBytes } from 'node:crypto';

import type { BackupState } from '#domains/backup/decider.ts';
import { backupObjectPrefix } from '#infra/object-store/backup-keys.ts';
import type { BackupInput } from '#infra/temporal/workflow-names.ts';

import { alive } from '../activity.ts';
import { permanent } from '../failure.ts';
import { reachableNode } from '../node-target.ts';
import type { WorkflowParts } from '../parts.ts';
import { failBackup, readBackup, removeObjects, tellBackup } from './reports.ts';

/** What a stored backup is. */
export type BackupContent = Omit<NonNullable<BackupState['content']>, 'backupId'>;

export type BackupBeginning =
  | { readonly phase: 'over' }
  | { readonly phase: 'snapshot' }
  | { readonly phase: 'verify'; readonly content: BackupContent };

export type BackupActivities = ReturnType<typeof backupActivities>;

/** The steps of a backup. Each may be repeated: reports change nothing the second time, and each snapshot has an object of its own. */
export function backupActivities(parts: WorkflowParts) {
  return {
    /** Says in the log that the backup has begun, and where it stands. */
    beginBackup: (input: BackupInput): Promise<BackupBeginning> =>
      alive(async () => {
        const found = await readBackup(parts, input);
        const { status, content } = found.state;
        if (status === 'completed' && content !== null) return { phase: 'verify', content };
        if (status !== 'requested' && status !== 'running') return { phase: 'over' };
        const { backupId } = found.request.data;
        await tellBackup(parts, found, { type: 'ReportBackupStarted', data: { backupId } });
        return { phase: 'snapshot' };
      }),

    /** Streams the node's data into an object that no other attempt writes to. */
    takeSnapshot: (input: BackupInput): Promise<BackupContent> =>
      alive(async (signal) => {
        const { request } = await readBackup(parts, input);
        const target = await reachableNode(parts, request.data.nodeId, ['running']);
        const objectKey = `${backupObjectPrefix(request.data)}${randomBytes(4).toString('hex')}.rdb`;
        return { objectKey, ...(await parts.platform.snapshot(target, objectKey, signal)) };
      }),

    /** Catalogues the snapshot; returns what the catalogue has, which an attempt that was taken for dead may have put there. */
    catalogueBackup: (input: BackupInput, content: BackupContent): Promise<BackupContent> =>
      alive(async () => {
        const found = await readBackup(parts, input);
        const { backupId } = found.request.data;
        await tellBackup(parts, found, { type: 'ReportBackupCompleted', data: { ...content, backupId } });
        return (await readBackup(parts, input)).state.content ?? content;
      }),

    /** Has the stored object read back and loaded, and compares what it holds with what the node held. */
    verifyBackup: (input: BackupInput, content: BackupContent): Promise<void> =>
      alive(async (signal) => {
        const { request } = await readBackup(parts, input);
        const target = await reachableNode(parts, request.data.nodeId, ['running', 'stopping', 'stopped']);
        const { digest } = await parts.platform.verify(target, content.objectKey, content.sha256, signal);
        if (digest === content.digest) return;
        throw permanent(
          `What was stored is not what the node held: its data has the digest ${digest} instead of ${content.digest}.`,
        );
      }),

    finishBackup: (input: BackupInput): Promise<void> =>
      alive(async () => {
        const found = await readBackup(parts, input);
        const { backupId } = found.request.data;
        await tellBackup(parts, found, { type: 'ReportBackupVerified', data: { backupId } });
      }),

    /** Removes what attempts stored that were taken for dead; the catalogued object stays. */
    removeStrayObjects: (input: BackupInput): Promise<void> => alive(() => removeObjects(parts, input, 'stray')),

    /** Removes everything that a failed backup stored. */
    discardObjects: (input: BackupInput): Promise<void> => alive(() => removeObjects(parts, input, 'all')),

    failBackup: (input: BackupInput, reason: string): Promise<void> => alive(() => failBackup(parts, input, reason)),
  };
}
