import type { Actor } from '#domains/kernel/envelope.ts';
import avro, { type Type } from 'avsc';

import type { StoredEvent } from '../codec.ts';

/** Positions are 64-bit numbers, which a JavaScript number would round. */
const int64 = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer(value: bigint) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (left: bigint, right: bigint) => Number(left > right) - Number(left < right),
});

const text = 'string';
const maybe = ['null', 'string'];

/** An event as archives hold it. What is ciphertext in the log is ciphertext here, so erasing a subject's key reaches archives, too. */
export const recordType: Type = avro.Type.forSchema(
  {
    type: 'record',
    name: 'ArchivedEvent',
    namespace: 'miniredis.log',
    fields: [
      { name: 'position', type: 'long' },
      { name: 'eventId', type: text, doc: 'A UUID.' },
      { name: 'recordedAt', type: 'long', doc: 'Milliseconds since 1970, UTC.' },
      { name: 'stream', type: text },
      { name: 'version', type: 'int' },
      { name: 'type', type: text },
      { name: 'schemaVersion', type: 'int' },
      { name: 'tenantId', type: maybe },
      { name: 'actorKind', type: text },
      { name: 'actorId', type: text },
      { name: 'commandId', type: text },
      { name: 'correlationId', type: text },
      { name: 'causationId', type: maybe },
      { name: 'trace', type: maybe },
      { name: 'address', type: ['null', 'bytes'], doc: 'Ciphertext under the key of the actor.' },
      {
        name: 'data',
        type: 'bytes',
        doc: 'By the schema of this type and version; personal fields are ciphertext within.',
      },
    ],
  } as never,
  { registry: { long: int64 }, wrapUnions: 'never', omitRecordMethods: true },
);

/** What Avro reads and writes, by the schema above. */
export interface EventRecord {
  readonly position: bigint;
  readonly eventId: string;
  readonly recordedAt: bigint;
  readonly stream: string;
  readonly version: number;
  readonly type: string;
  readonly schemaVersion: number;
  readonly tenantId: string | null;
  readonly actorKind: string;
  readonly actorId: string;
  readonly commandId: string;
  readonly correlationId: string;
  readonly causationId: string | null;
  readonly trace: string | null;
  readonly address: Buffer | null;
  readonly data: Buffer;
}

export function recordOf({ metadata, recordedAt, ...event }: StoredEvent): EventRecord {
  const { actor, ...rest } = metadata;
  return {
    ...event,
    ...rest,
    recordedAt: BigInt(Date.parse(recordedAt)),
    actorKind: actor.kind,
    actorId: actor.id,
  };
}

export function eventOf(record: EventRecord): StoredEvent {
  return {
    position: record.position,
    eventId: record.eventId,
    stream: record.stream,
    version: record.version,
    type: record.type,
    schemaVersion: record.schemaVersion,
    recordedAt: new Date(Number(record.recordedAt)).toISOString(),
    address: record.address,
    data: record.data,
    metadata: {
      // Written from an actor, and guarded by the archive's hash.
      actor: { kind: record.actorKind as Actor['kind'], id: record.actorId },
      commandId: record.commandId,
      correlationId: record.correlationId,
      causationId: record.causationId,
      trace: record.trace,
      tenantId: record.tenantId,
    },
  };
}
