/** What those who start workflows and those who run them must agree on. The workflow's id is the operation's. */
export const workflowTaskQueue = 'miniredis-workflows';

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
