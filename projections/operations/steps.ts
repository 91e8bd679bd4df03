import type { Fact } from '../kernel/view.ts';

import type { OperationRow } from './row.ts';

/** What a request says of the operation it opens. */
interface Opening {
  readonly id: string;
  readonly kind: OperationRow['kind'];
  readonly tenantId: string | null;
  readonly target: readonly [kind: string, id: string];
}

type Open = OperationRow | undefined;

/** A new operation, waiting for somebody to take it on. */
export function opened(event: Fact, { id, kind, tenantId, target }: Opening): readonly OperationRow[] {
  const row: OperationRow = {
    id,
    kind,
    tenantId,
    state: 'pending',
    percent: 0,
    message: 'Waiting to be carried out',
    targetKind: target[0],
    targetId: target[1],
    result: null,
    errorCode: null,
    errorDetail: null,
    stream: event.stream,
    createdAt: event.recordedAt,
    updatedAt: event.recordedAt,
    version: event.version,
  };
  return [row];
}

/** The operation is being carried out and has come this far. Nothing, when none is open: it ended before. */
export function progressed(open: Open, event: Fact, percent: number, message: string): readonly OperationRow[] {
  return moved(open, event, { state: 'running', percent, message });
}

export function succeeded(
  open: Open,
  event: Fact,
  message: string,
  result: OperationRow['result'],
): readonly OperationRow[] {
  return moved(open, event, { state: 'succeeded', percent: 100, message, result });
}

export function failed(open: Open, event: Fact, code: string, detail: string): readonly OperationRow[] {
  return moved(open, event, { state: 'failed', message: 'Failed', errorCode: code, errorDetail: detail });
}

export function cancelled(open: Open, event: Fact, detail: string): readonly OperationRow[] {
  return moved(open, event, {
    state: 'cancelled',
    message: 'Cancelled',
    errorCode: 'cancelled',
    errorDetail: detail,
  });
}

function moved(open: Open, event: Fact, change: Partial<OperationRow>): readonly OperationRow[] {
  return open === undefined ? [] : [{ ...open, ...change, updatedAt: event.recordedAt, version: event.version }];
}
