import type { EventLog } from './event-log.ts';
import { openEventStoreEventLog } from './eventstore/log.ts';
import { openEventStoreStoredEvents } from './eventstore/stored.ts';
import { openPostgresEventLog, type PostgresEventLogOptions } from './postgres/log.ts';
import { openPostgresStoredEvents } from './postgres/stored.ts';
import type { StoredEvents } from './stored-events.ts';

/** Opens the log where the configuration has it: in EventStoreDB when there is an address of one, in PostgreSQL otherwise. */
export function openEventLog(eventStoreUrl: string | undefined, options: PostgresEventLogOptions): EventLog {
  if (eventStoreUrl === undefined) return openPostgresEventLog(options);
  return openEventStoreEventLog({ url: eventStoreUrl, codec: options.codec });
}

/** Opens what that log has stored. */
export function openStoredEvents(
  eventStoreUrl: string | undefined,
  { pool, objects }: Pick<PostgresEventLogOptions, 'pool' | 'objects'>,
): StoredEvents {
  return eventStoreUrl === undefined
    ? openPostgresStoredEvents(pool, objects)
    : openEventStoreStoredEvents(eventStoreUrl);
}
