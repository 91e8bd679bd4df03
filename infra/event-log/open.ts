import type { EventLog } from './event-log.ts';
import { openEventStoreEventLog } from './eventstore/log.ts';
import { openPostgresEventLog, type PostgresEventLogOptions } from './postgres/log.ts';

/** Opens the log where the configuration has it: in EventStoreDB when there is an address of one, in PostgreSQL otherwise. */
export function openEventLog(eventStoreUrl: string | undefined, options: PostgresEventLogOptions): EventLog {
  if (eventStoreUrl === undefined) return openPostgresEventLog(options);
  return openEventStoreEventLog({ url: eventStoreUrl, codec: options.codec });
}
