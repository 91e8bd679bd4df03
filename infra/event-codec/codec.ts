import type { KeyObject } from 'node:crypto';

import type { DomainEvent } from '#domains/kernel/decider.ts';
import { categoryOf, type Actor, type Metadata, type RecordedEvent } from '#domains/kernel/envelope.ts';
import { seal, unseal } from '#infra/crypto/seal.ts';
import type { KeysOfSubjects, SubjectKeys } from '#infra/crypto/subject-keys.ts';
import type { Codec, EncodedAppend, EncodedEvent, StoredEvent } from '#infra/event-log/codec.ts';
import { eventIdOf } from '#infra/event-log/event-ids.ts';
import type { Append } from '#infra/event-log/event-log.ts';
import { decode, encode, personalFields } from '#schemas/registry.ts';

/** Avro by the schemas of this project, personal fields encrypted with the keys of their subjects. */
export function openCodec(keys: SubjectKeys): Codec {
  return {
    async encode(append) {
      const subjects = subjectsToWrite(append);
      return encodeAppend(append, subjects.size === 0 ? noKeys : await keys.forWriting(subjects));
    },
    async decode(events) {
      const plain = events.map((event) => decode(event.type, event.schemaVersion, event.data));
      // Whoever reads that somebody was erased sees to it that the key is gone, so nobody reads on in plain text, whatever crashed.
      for (const [n, { type }] of events.entries()) {
        if (type === 'SubjectErased') await keys.erase(String(plain[n]?.['subject']));
      }
      const subjects = subjectsToRead(events, plain);
      const found = subjects.size === 0 ? noKeys : await keys.forReading(subjects);
      return events.map((event, n) => decodeEvent(event, plain[n] ?? {}, found));
    },
  };
}

const noKeys: KeysOfSubjects = new Map();

function subjectsToWrite({ metadata, streams }: Append): Set<string> {
  const subjects = new Set<string>();
  if (metadata.address !== null) subjects.add(subjectOf(metadata.actor));
  for (const { events } of streams) for (const event of events) addSubjects(event.type, event.data, subjects);
  return subjects;
}

function subjectsToRead(events: readonly StoredEvent[], data: readonly Record<string, unknown>[]): Set<string> {
  const subjects = new Set<string>();
  for (const [n, event] of events.entries()) {
    if (event.address !== null) subjects.add(subjectOf(event.metadata.actor));
    addSubjects(event.type, data[n], subjects);
  }
  return subjects;
}

function addSubjects(type: string, data: unknown, subjects: Set<string>): void {
  for (const { subject } of personalFields(type)) {
    const id = (data as Record<string, unknown> | undefined)?.[subject];
    if (typeof id === 'string') subjects.add(id);
  }
}

/** The subject whom a source address is about. */
function subjectOf(actor: Actor): string {
  return actor.id;
}

function encodeAppend({ commandUid, metadata, streams }: Append, keys: KeysOfSubjects): EncodedAppend {
  let index = 0;
  return {
    commandUid,
    metadata,
    streams: streams.map(({ stream, expectedVersion, events }) => ({
      stream,
      category: categoryOf(stream),
      expectedVersion,
      events: events.map((event) => encodeEvent(event, eventIdOf(commandUid, index++), metadata, keys)),
    })),
  };
}

function encodeEvent(event: DomainEvent, eventId: string, metadata: Metadata, keys: KeysOfSubjects): EncodedEvent {
  const addressKey = metadata.address === null ? null : keys.get(subjectOf(metadata.actor));
  return {
    eventId,
    type: event.type,
    address: addressKey ? seal(addressKey, `${eventId} metadata.address`, metadata.address ?? '') : null,
    ...withVersion(encode(event.type, encryptFields(event, eventId, keys))),
  };
}

function withVersion({ schemaVersion, bytes }: { schemaVersion: number; bytes: Buffer }) {
  return { schemaVersion, data: bytes };
}

function encryptFields(event: DomainEvent, eventId: string, keys: KeysOfSubjects): unknown {
  const personal = personalFields(event.type);
  if (personal.length === 0) return event.data;
  const data = { ...(event.data as Record<string, unknown>) };
  for (const { name, subject } of personal) {
    const value = data[name];
    if (typeof value !== 'string') continue;
    const key = keys.get(String(data[subject]));
    // What is written about somebody erased is erased, too: an empty text stands for it.
    data[name] = key ? seal(key, `${eventId} data.${name}`, value).toString('base64') : '';
  }
  return data;
}

function decodeEvent(event: StoredEvent, data: Record<string, unknown>, keys: KeysOfSubjects): RecordedEvent {
  const { eventId, address, metadata } = event;
  for (const { name, subject } of personalFields(event.type)) {
    const sealed = data[name];
    if (typeof sealed !== 'string') continue;
    const key = sealed === '' ? null : keys.get(String(data[subject]));
    data[name] = key ? reveal(key, `${eventId} data.${name}`, Buffer.from(sealed, 'base64')) : null;
  }
  const addressKey = address === null ? null : keys.get(subjectOf(metadata.actor));
  return {
    position: event.position,
    eventId,
    stream: event.stream,
    version: event.version,
    type: event.type,
    schemaVersion: event.schemaVersion,
    recordedAt: event.recordedAt,
    data,
    metadata: {
      actor: metadata.actor,
      address: addressKey && address !== null ? reveal(addressKey, `${eventId} metadata.address`, address) : null,
      commandId: metadata.commandId,
      correlationId: metadata.correlationId,
      causationId: metadata.causationId,
      trace: metadata.trace,
      tenantId: metadata.tenantId,
    },
  };
}

function reveal(key: KeyObject, bound: string, sealed: Buffer): string {
  return unseal(key, bound, sealed).toString('utf8');
}
