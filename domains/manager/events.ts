import type { DomainEvent } from '../kernel/decider.ts';
import type { ManagerId } from '../kernel/ids.ts';

export type ManagerEvent = DomainEvent<
  'ManagerRegistered',
  { managerId: ManagerId; host: string; respPort: number; memoryBudgetMb: number }
>;

/** The stream of one node manager. */
export const managerStream = (managerId: ManagerId) => `manager-${managerId}`;
