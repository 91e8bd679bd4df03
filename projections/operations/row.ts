export type OperationRow = {
  readonly id: string;
  readonly kind: 'node.create' | 'node.start' | 'node.stop' | 'node.delete' | 'backup' | 'restore';
  readonly tenantId: string | null;
  readonly state: 'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  readonly percent: number;
  readonly message: string;
  readonly targetKind: string;
  readonly targetId: string;
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly errorCode: string | null;
  readonly errorDetail: string | null;
  /** The stream whose events move the operation on. */
  readonly stream: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly version: number;
};

/** Whether the operation has yet to end. */
export const isOpen = ({ state }: OperationRow) => state === 'pending' || state === 'running';
