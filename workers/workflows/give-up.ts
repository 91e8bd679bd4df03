import type { WorkflowCall } from '#infra/temporal/workflow-names.ts';

import { failBackup, removeObjects } from './backup/reports.ts';
import { sentences } from './failure.ts';
import type { WorkflowParts } from './parts.ts';
import { failRestore, removeNewNode } from './restore/reports.ts';

/** Ends an operation as its workflow would when it fails, where there is no Temporal to run it. */
export async function giveUp(parts: WorkflowParts, call: WorkflowCall, reason: string): Promise<void> {
  switch (call.workflow) {
    case 'backup':
      await removeObjects(parts, call.input, 'all');
      return failBackup(parts, call.input, reason);
    case 'restore': {
      const removed = await removeNewNode(parts, call.input);
      return failRestore(parts, call.input, sentences(reason, removed ? 'The new node was removed.' : '').trim());
    }
  }
}
