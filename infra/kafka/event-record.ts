import type { Actor } from '#domains/kernel/envelope.ts';
import type { StoredEvent } from '#infra/event-log/codec.ts';
import { schemaId, schemaWithId } from '#schemas/ids.ts';
import type { IHeaders } from 'kafkajs';

import { frame, unframe } from './framing.ts';

/** An event as Kafka carries it. */
export interface EventRecord {
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Record<string, string>;
  /** Milliseconds since 1970, as text. */
  readonly timestamp: string;
}

/** Whose history it is; CloudEvents wants it of every event. */
const source = '/miniredis/log';

/**
 * A stored event as a record: its bytes as they are in the log, so that personal fields stay ciphertext, and all else in headers,
 * by CloudEvents' binary mode for Kafka and beside it. `epoch` is that of the relay that sends it.
 */
export function eventRecord(event: StoredEvent, epoch: bigint): EventRecord {
  const { metadata } = event;
  const headers: Record<string, string> = {
    ce_specversion: '1.0',
    ce_id: event.eventId,
    ce_type: event.type,
    ce_source: source,
    ce_time: event.recordedAt,
    ce_subject: event.stream,
    position: String(event.position),
    version: String(event.version),
    epoch: String(epoch),
    actor: `${metadata.actor.kind}:${metadata.actor.id}`,
    command: metadata.commandId,
    correlation: metadata.correlationId,
  };
  if (metadata.causationId !== null) headers['causation'] = metadata.causationId;
  if (metadata.trace !== null) headers['traceparent'] = metadata.trace;
  if (metadata.tenantId !== null) headers['tenant'] = metadata.tenantId;
  if (event.address !== null) headers['address'] = event.address.toString('base64');
  return {
    key: event.stream,
    value: frame(schemaId({ eventType: event.type, version: event.schemaVersion }), event.data),
    headers,
    timestamp: String(Date.parse(event.recordedAt)),
  };
}

/** What a record takes on the wire, roughly and rather too much. */
export function recordBytes({ key, value, headers }: EventRecord): number {
  let bytes = 40 + Buffer.byteLength(key) + value.length;
  for (const [name, held] of Object.entries(headers)) bytes += name.length + held.length + 6;
  return bytes;
}

/** A record as KafkaJS hands it out. */
interface ReceivedRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: IHeaders;
}

/** The position of the event in a record, and the epoch of the relay that sent it. */
export function placeOf({ headers = {} }: ReceivedRecord): { position: bigint; epoch: bigint } {
  return { position: BigInt(text(headers, 'position')), epoch: BigInt(text(headers, 'epoch')) };
}

/** The stored event that a record was made of, whole. Throws a TypeError that says what is missing in a record that is none. */
export function storedEvent(record: ReceivedRecord): StoredEvent {
  const headers = record.headers ?? {};
  const { schemaId: id, avro } = unframe(record.value);
  const schema = schemaWithId(id);
  if (schema === undefined) {
    throw new TypeError(`The schema id ${id} is unknown here; this program is older than the one that wrote it.`);
  }
  const address = headers['address'];
  return {
    position: BigInt(text(headers, 'position')),
    eventId: text(headers, 'ce_id'),
    stream: text(headers, 'ce_subject'),
    version: Number(text(headers, 'version')),
    type: schema.eventType,
    schemaVersion: schema.version,
    recordedAt: text(headers, 'ce_time'),
    address: address === undefined ? null : Buffer.from(String(address), 'base64'),
    data: avro,
    metadata: {
      actor: actorOf(text(headers, 'actor')),
      commandId: text(headers, 'command'),
      correlationId: text(headers, 'correlation'),
      causationId: optionalText(headers, 'causation'),
      trace: optionalText(headers, 'traceparent'),
      tenantId: optionalText(headers, 'tenant'),
    },
  };
}

function actorOf(written: string): Actor {
  const colon = written.indexOf(':');
  return { kind: written.slice(0, colon) as Actor['kind'], id: written.slice(colon + 1) };
}

function text(headers: IHeaders, name: string): string {
  const value = optionalText(headers, name);
  if (value === null) throw new TypeError(`A record of an event has no header ${name}.`);
  return value;
}

function optionalText(headers: IHeaders, name: string): string | null {
  const value = headers[name];
  return value === undefined ? null : String(value);
}
