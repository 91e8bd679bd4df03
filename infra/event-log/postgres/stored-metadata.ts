import type { Metadata } from '#domains/kernel/envelope.ts';
import avro from 'avsc';

import type { StoredEvent } from '../codec.ts';

/** Metadata without what has a column of its own. */
type Stored = Omit<StoredEvent['metadata'], 'tenantId'>;

/** The first byte of what is stored. Whoever changes the schema gives it the next number, and keeps reading the old one. */
const version = 1;
const nullable = (name: string) => ({ name, type: ['null', 'string'], default: null });
const type = avro.Type.forSchema(
  {
    type: 'record',
    name: 'Metadata',
    fields: [
      { name: 'actorKind', type: 'string' },
      { name: 'actorId', type: 'string' },
      { name: 'commandId', type: 'string' },
      { name: 'correlationId', type: 'string' },
      nullable('causationId'),
      nullable('trace'),
    ],
  } as never,
  { wrapUnions: 'never', omitRecordMethods: true },
);

interface Flat extends Omit<Stored, 'actor'> {
  readonly actorKind: Metadata['actor']['kind'];
  readonly actorId: string;
}

/** The form in the column `metadata`: Avro, behind a byte that tells the version of its schema. */
export function encodeMetadata({ actor, commandId, correlationId, causationId, trace }: Metadata): Buffer {
  const flat: Flat = { actorKind: actor.kind, actorId: actor.id, commandId, correlationId, causationId, trace };
  const avro = type.toBuffer(flat);
  const bytes = Buffer.allocUnsafe(avro.length + 1);
  bytes[0] = version;
  avro.copy(bytes, 1);
  return bytes;
}

/** What `encodeMetadata` made. */
export function decodeMetadata(bytes: Buffer): Stored {
  if (bytes[0] !== version) {
    throw new Error(`The log holds metadata of version ${bytes[0]}, newer than this program; start a newer one.`);
  }
  const { actorKind, actorId, ...rest } = type.fromBuffer(bytes.subarray(1)) as Flat;
  return { actor: { kind: actorKind, id: actorId }, ...rest };
}
