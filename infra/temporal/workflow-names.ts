import { keyedHash, type MasterKey } from '../crypto/master-key.ts';

/**
 * The task queue that those who start workflows and those who run them must agree on. Platforms may share a Temporal, so each has a
 * queue of its own, by its master key: no worker is given work on another one's log.
 */
export function workflowTaskQueue(masterKey: MasterKey): string {
  return `miniredis-${keyedHash(masterKey, 'temporal', 'task-queue').slice(0, 16)}`;
}

export interface BackupInput {
  readonly operationId: string;
  readonly backupId: string;
}

export interface RestoreInput {
  readonly operationId: string;
}

/** A workflow and what it takes; the names are those of the functions that workers/workflows/workflows.ts exports. */
export type WorkflowCall =
  | { readonly workflow: 'backup'; readonly input: BackupInput }
  | { readonly workflow: 'restore'; readonly input: RestoreInput };
