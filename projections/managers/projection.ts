import type { ManagerEvent } from '#domains/manager/events.ts';

import { readDefinition, subjectOf, unknownEvent, type Fact, type View } from '../kernel/view.ts';

export type ManagerRow = {
  readonly managerId: string;
  readonly host: string;
  readonly respPort: number;
  readonly memoryBudgetMb: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly version: number;
};

/** The node managers that registered, each as it last said it is. */
export const managers: View<ManagerRow, ManagerEvent> = {
  name: 'managers',
  revision: 1,
  definition: readDefinition(import.meta.url),
  categories: ['manager'],
  key: 'managerId',
  fields: {
    managerId: 'text',
    host: 'text',
    respPort: 'integer',
    memoryBudgetMb: 'integer',
    createdAt: 'timestamp',
    updatedAt: 'timestamp',
    version: 'integer',
  },
  lookup: { by: 'key' },
  find: subjectOf,
  apply,
};

function apply(row: ManagerRow | undefined, event: Fact<ManagerEvent>): readonly ManagerRow[] {
  if (event.type !== 'ManagerRegistered') return unknownEvent(event as never);
  const { recordedAt, version } = event;
  const { managerId, host, respPort, memoryBudgetMb } = event.data;
  const createdAt = row?.createdAt ?? recordedAt;
  return [{ managerId, host, respPort, memoryBudgetMb, createdAt, updatedAt: recordedAt, version }];
}
