import type { LogRecord } from './journal.ts';

/** A filter as both services have it in their messages. */
export interface FilterMessage {
  getStreamIdentifier(): Expression | undefined;
  getEventType(): Expression | undefined;
  hasMax(): boolean;
  getMax(): number;
  getCheckpointintervalmultiplier(): number;
}

interface Expression {
  getRegex(): string;
  getPrefixList(): string[];
}

export interface Filter {
  readonly passes: (record: LogRecord) => boolean;
  /** After so many records that were looked at, a subscription says how far it has come. */
  readonly checkpointEvery: number;
}

/** How many records a server looks at in one go. */
const searchWindow = 32;

const noFilter: Filter = { passes: () => true, checkpointEvery: Infinity };

/** Filters by name of stream or by type: either a regular expression or prefixes. */
export function filterOf(message: FilterMessage | undefined): Filter {
  if (message === undefined) return noFilter;
  const byStream = message.getStreamIdentifier();
  const byType = message.getEventType();
  const window = message.hasMax() ? message.getMax() : searchWindow;
  return {
    checkpointEvery: window * message.getCheckpointintervalmultiplier(),
    passes(record) {
      if (byStream !== undefined) return matches(byStream, record.stream);
      return byType === undefined || matches(byType, record.type);
    },
  };
}

function matches(expression: Expression, text: string): boolean {
  const regex = expression.getRegex();
  if (regex !== '') return new RegExp(regex).test(text);
  return expression.getPrefixList().some((prefix) => text.startsWith(prefix));
}
