import type { Decider } from '../kernel/decider.ts';
import { reject } from '../kernel/rejection.ts';
import type { ReservationCommand } from './commands.ts';
import type { ReservationEvent } from './events.ts';

/** Who holds the name now; null when it is free. */
export interface ReservationState {
  readonly holder: string | null;
}

export const reservationDecider: Decider<ReservationCommand, ReservationEvent, ReservationState> = {
  initialState: { holder: null },
  decide(command, { holder }) {
    switch (command.type) {
      case 'ReserveName':
        if (holder === command.data.holder) return [];
        // The refusal is kept for ever, and a name may be that of somebody who will be erased: it does not belong there.
        if (holder !== null) return reject('name_taken', 'This name is in use; choose another.');
        return [{ type: 'NameReserved', data: { holder: command.data.holder } }];
      case 'ReleaseName':
        return holder === command.data.holder ? [{ type: 'NameReleased', data: { holder } }] : [];
    }
  },
  evolve(_state, event) {
    switch (event.type) {
      case 'NameReserved':
        return { holder: event.data.holder };
      case 'NameReleased':
        return { holder: null };
    }
  },
};
