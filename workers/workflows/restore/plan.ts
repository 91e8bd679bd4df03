import type { NodeId, OperationId } from '#domains/kernel/ids.ts';

/** What a restore is to do, as the log had it when it began. */
export interface RestorePlan {
  readonly operationId: OperationId;
  readonly nodeId: NodeId;
  /** Into a node that has data of its own, or else into a new one that waits for it. */
  readonly inPlace: boolean;
  readonly objectKey: string;
  readonly sha256: string;
  readonly digest: string;
}

export type RestoreBeginning = { readonly phase: 'over' } | { readonly phase: 'restore'; readonly plan: RestorePlan };

/** The type of a failure after which the node's earlier data is gone. */
export const swappedType = 'Swapped';
