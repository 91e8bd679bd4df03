import type { Decider } from '../kernel/decider.ts';
import type { ManagerCommand } from './commands.ts';
import type { ManagerEvent } from './events.ts';

export type ManagerState = ManagerEvent['data'] | null;

/** A manager says at each start where it is; only a change is news. */
export const managerDecider: Decider<ManagerCommand, ManagerEvent, ManagerState> = {
  initialState: null,
  decide({ data }, state) {
    const unchanged =
      state !== null &&
      state.host === data.host &&
      state.respPort === data.respPort &&
      state.memoryBudgetMb === data.memoryBudgetMb;
    return unchanged ? [] : [{ type: 'ManagerRegistered', data }];
  },
  evolve: (_state, event) => event.data,
};
