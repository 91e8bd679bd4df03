import { fold, type Decider } from './decider.ts';
import { isRejection, type RejectionCode } from './rejection.ts';

/** Specifications that read as sentences: given what happened, when somebody asks, then this follows. */
export function specOf<Command, Event, State>(decider: Decider<Command, Event, State>) {
  return {
    given: (...events: Event[]) => ({
      when: (command: Command) => {
        const decision = decider.decide(command, fold(decider, events));
        return {
          then: (...expected: Event[]) => expectEqual(decision, expected),
          thenNothing: () => expectEqual(decision, []),
          thenRejected: (code: RejectionCode) => expectEqual(isRejection(decision) ? decision.code : decision, code),
        };
      },
    }),
  };
}

function expectEqual(actual: unknown, expected: unknown): void {
  const [left, right] = [JSON.stringify(actual, null, 1), JSON.stringify(expected, null, 1)];
  if (left !== right) throw new Error(`expected ${right}\nbut was ${left}`);
}
