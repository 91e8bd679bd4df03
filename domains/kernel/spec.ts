import { fold, type Decider, type DomainCommand, type DomainEvent } from './decider.ts';
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

/** What a command leads to in a state: the types of its events, `nothing`, or the code of its refusal. */
export type Outcome<EventType extends string> = EventType | readonly EventType[] | 'nothing' | RejectionCode;

/**
 * Every state × every command in one table. The compiler demands that no state and no command is left out; each cell
 * is decided and compared, and the state that follows must be the one that its events announce.
 */
export function specTable<
  Command extends DomainCommand,
  Event extends DomainEvent,
  State extends { readonly status: string },
>(
  decider: Decider<Command, Event, State>,
  histories: { readonly [Status in State['status']]: readonly Event[] },
  commands: { readonly [Type in Command['type']]: Extract<Command, { type: Type }> },
  table: { readonly [Status in State['status']]: { readonly [Type in Command['type']]: Outcome<Event['type']> } },
): { name: string; check: () => void }[] {
  const cases: { name: string; check: () => void }[] = [];
  for (const status of Object.keys(table) as State['status'][]) {
    cases.push({
      name: `the history of ${status} leads there`,
      check: () => expectEqual(fold(decider, histories[status]).status, status),
    });
    for (const type of Object.keys(table[status]) as Command['type'][]) {
      const expected = table[status][type];
      cases.push({
        name: `${status} × ${type} → ${[expected].flat().join(', ')}`,
        check: () => {
          const decision = decider.decide(commands[type], fold(decider, histories[status]));
          const actual = isRejection(decision)
            ? decision.code
            : decision.length === 0
              ? 'nothing'
              : decision.map((event) => event.type);
          expectEqual([actual].flat(), [expected].flat());
        },
      });
    }
  }
  return cases;
}

function expectEqual(actual: unknown, expected: unknown): void {
  const [left, right] = [JSON.stringify(actual, null, 1), JSON.stringify(expected, null, 1)];
  if (left !== right) throw new Error(`expected ${right}\nbut was ${left}`);
}
