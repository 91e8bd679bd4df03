import type { AuditEvent } from '#domains/audit/events.ts';

import { readDefinition, unknownEvent, type Fact, type View } from '../kernel/view.ts';

export type AuditRow = {
  readonly position: bigint;
  readonly recordedAt: string;
  readonly actorKind: string;
  readonly actorId: string;
  readonly tenantId: string | null;
  readonly action: string;
  readonly targetKind: string;
  readonly targetId: string;
  readonly outcome: 'accepted' | 'rejected' | 'denied';
  readonly code: string | null;
  /** Null where there was none, and once the person behind it was erased. */
  readonly address: string | null;
  readonly commandId: string;
  readonly correlationId: string;
  readonly causationId: string | null;
  /** The name of the Redis command by which a node's data was read or written through the gateway. */
  readonly redisCommand: string | null;
};

/** The timeline of everything that was asked for, and what became of it. */
export const audit: View<AuditRow, AuditEvent> = {
  name: 'audit',
  revision: 1,
  definition: readDefinition(import.meta.url),
  categories: ['command'],
  key: 'position',
  fields: {
    position: 'position',
    recordedAt: 'timestamp',
    actorKind: 'text',
    actorId: 'text',
    tenantId: 'text',
    action: 'text',
    targetKind: 'text',
    targetId: 'text',
    outcome: 'text',
    code: 'text',
    address: 'text',
    commandId: 'text',
    correlationId: 'text',
    causationId: 'text',
    redisCommand: 'text',
  },
  personal: { address: 'actorId' },
  lookup: { by: 'nothing' },
  find: (event) => event.position.toString(),
  apply: (_row, event) => [{ ...entry(event), ...outcomeOf(event) }],
};

function outcomeOf(event: Fact<AuditEvent>): Pick<AuditRow, 'outcome' | 'code' | 'redisCommand'> {
  switch (event.type) {
    case 'CommandAccepted':
      return { outcome: 'accepted', code: null, redisCommand: null };
    case 'CommandRejected':
      return { outcome: 'rejected', code: event.data.code, redisCommand: null };
    case 'CommandDenied':
      return { outcome: 'denied', code: event.data.code, redisCommand: null };
    case 'DataAccessed':
      return { outcome: 'accepted', code: null, redisCommand: event.data.redisCommand };
    default:
      return unknownEvent(event);
  }
}

function entry({ position, recordedAt, metadata, data }: Fact<AuditEvent>) {
  const { actor, tenantId, address, commandId, correlationId, causationId } = metadata;
  return {
    position,
    recordedAt,
    actorKind: actor.kind,
    actorId: actor.id,
    tenantId,
    action: data.action,
    targetKind: data.targetKind,
    targetId: data.targetId,
    address,
    commandId,
    correlationId,
    causationId,
  };
}
