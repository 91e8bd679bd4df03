import type { Decider } from '../kernel/decider.ts';
import type { SubjectCommand } from './commands.ts';
import type { SubjectEvent } from './events.ts';

export interface SubjectState {
  readonly erased: boolean;
}

/** Erasing is for good; whoever asks again gets the same answer. */
export const subjectDecider: Decider<SubjectCommand, SubjectEvent, SubjectState> = {
  initialState: { erased: false },
  decide: ({ data }, { erased }) => (erased ? [] : [{ type: 'SubjectErased', data: { subject: data.subject } }]),
  evolve: () => ({ erased: true }),
};
