import type { DomainEvent } from '#domains/kernel/decider.ts';
import { openLog } from '#infra/event-log/testing/log-under-test.ts';
import { migrate } from '#infra/postgres/migrate.ts';
import { randomUUID } from 'node:crypto';
import type { Server } from './server.ts';

/** An event store that is measured: how a caller records events as a new stream. Resolves when they are durable. */
export interface Store {
  readonly label: string;
  append(stream: string, events: readonly DomainEvent[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * The public port of our own log, with all that a caller gets: a command id of its own, so that a repeat would be recognised, an
 * expected version, metadata, the schema of the type checked, Avro.
 */
export function openOurs(url: string): Store {
  const under = openLog(url, { max: 10 });
  return {
    label: 'ours',
    async append(stream, events) {
      const commandId = randomUUID();
      const result = await under.log.append({
        commandUid: commandId,
        metadata: {
          actor: { kind: 'api-key', id: 'key_00000000000000000000000001' },
          address: null,
          commandId,
          correlationId: randomUUID(),
          causationId: null,
          trace: null,
          tenantId: 'tnt_00000000000000000000000001',
        },
        streams: [{ stream, expectedVersion: 'no-stream', events }],
      });
      if (!result.ok) throw new Error(`${stream} was there already`);
    },
    close: () => under.close(),
  };
}

/** A database of our own on the server, with the platform's schema. */
export async function ourDatabase(server: Server, name = 'ours'): Promise<string> {
  const url = await server.database(name);
  await migrate(url);
  return url;
}
