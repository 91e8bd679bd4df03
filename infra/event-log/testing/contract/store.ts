import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { RecordedEvent } from '#domains/kernel/envelope.ts';

import type { EventLog } from '../../event-log.ts';

/** Somewhere a log can be kept. It may hold other events already, and those of other tests. */
export interface LogStore {
  /** Opens the log as one more process would. */
  open(): OpenedLog;
  drop(): Promise<void>;
}

export interface OpenedLog {
  readonly log: EventLog;
  close(): Promise<void>;
}

/** Opens the log anew, as one more process would; it is closed when the test is over. */
export type OpenLog = () => EventLog;

/** A name that no other test uses: a store may be a server that outlives the run. */
export function fresh(category: string): string {
  return `${category}-${randomBytes(6).toString('hex')}`;
}

/** A category that nobody else uses, in letters. */
export function freshCategory(): string {
  return `c${randomBytes(8)
    .toString('hex')
    .replaceAll(/\d/g, (digit) => String.fromCodePoint(103 + Number(digit)))}`;
}

/** Everything that was recorded after a position, in the order of the log. */
export async function eventsAfter(log: EventLog, after: bigint): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const batch of log.readAll({ after })) events.push(...batch);
  return events;
}

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error('It has not come true within 30 s.');
    await sleep(5);
  }
}
