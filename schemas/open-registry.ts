import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import avro, { type Type } from 'avsc';

import type { Upcaster, Upcasters } from './upcasters.ts';

/** A field whose value is about a person: the log holds it encrypted with the key of the subject that another field names. */
interface PersonalField {
  readonly name: string;
  /** The field of the same event that holds the subject's id. */
  readonly subject: string;
}

/** Every version of every event type's Avro schema. The newest one is written; what older ones wrote is upcast to it, step by step. */
export interface Registry {
  /** Every event type that has a schema, in alphabetical order. */
  readonly eventTypes: () => readonly string[];
  /** The fields of an event type that are personal, by its newest schema. */
  readonly personalFields: (eventType: string) => readonly PersonalField[];
  /**
   * The Avro form of an event's data, by the newest schema of its type. Throws a TypeError that names the field when one is
   * missing, unknown or of the wrong type: the log must never hold what its schema does not say.
   */
  readonly encode: (eventType: string, data: unknown) => { schemaVersion: number; bytes: Buffer };
  /** The data of an event written by any version of its schema, upcast to the newest one, as a plain object. */
  readonly decode: (eventType: string, schemaVersion: number, bytes: Buffer) => Record<string, unknown>;
  /** A hash of all schemas: another one as soon as any of them is added or changed. */
  readonly fingerprint: () => string;
}

interface Schema {
  readonly version: number;
  readonly type: Type;
  readonly fields: readonly string[];
  readonly personal: readonly PersonalField[];
}

/** As far as this module reads an `.avsc` file itself; Avro ignores attributes it does not know, such as `personal`. */
interface SchemaFile {
  readonly fields: readonly { readonly name: string; readonly personal?: { readonly subject: string } }[];
}

/** The schemas in a folder of files named `<Event>.v<N>.avsc`. A file is parsed when it is first needed. */
export function openRegistry(folder: string, upcasters: Upcasters = {}): Registry {
  const versions = versionsIn(folder);
  const schemaOf = cached((name) => parseSchema(folder, name));
  const newest = cached((eventType) => {
    const known = versions.get(eventType);
    if (known === undefined) {
      throw new TypeError(`The event type ${eventType} has no schema; add schemas/events/${eventType}.v1.avsc`);
    }
    return schemaOf(`${eventType}.v${Math.max(...known)}`);
  });
  /** The steps by which what a version wrote becomes what the newest one says. */
  const stepsOf = cached((name): readonly Step[] => {
    const [eventType = '', version] = name.split('.v');
    const known = (versions.get(eventType) ?? []).toSorted((left, right) => left - right);
    if (!known.includes(Number(version))) {
      throw new TypeError(`${name}.avsc is not in schemas/events; a schema that was ever used must stay there`);
    }
    const onward = known.filter((one) => one >= Number(version));
    return onward.slice(1).map((next, n) => {
      const from = onward[n] ?? next;
      const [before, after] = [schemaOf(`${eventType}.v${from}`).type, schemaOf(`${eventType}.v${next}`).type];
      const upcaster = upcasters[eventType]?.[from];
      return upcaster === undefined ? avroStep(before, after) : ownStep(`${eventType}.v${from}`, upcaster, after);
    });
  });
  return {
    fingerprint: () => fingerprintOf(folder),
    eventTypes: () => [...versions.keys()],
    personalFields: (eventType) => newest(eventType).personal,
    encode(eventType, data) {
      const { version, type, fields } = newest(eventType);
      if (typeof data !== 'object' || data === null) throw new TypeError(`${eventType}: the data must be an object`);
      for (const name of fields) {
        // Avro would fill in a default; but a writer that leaves a field out has most likely forgotten it.
        const value = (data as Record<string, unknown>)[name];
        if (value === undefined) throw new TypeError(`${eventType}.${name} is missing`);
      }
      type.isValid(data, { noUndeclaredFields: true, errorHook: (at, value) => refuse(eventType, fields, at, value) });
      return { schemaVersion: version, bytes: bytesOf(type, data) };
    },
    decode(eventType, schemaVersion, bytes) {
      const { type, version } = newest(eventType);
      if (schemaVersion === version) return plain(type.fromBuffer(bytes));
      const name = `${eventType}.v${schemaVersion}`;
      const steps = stepsOf(name);
      return steps.reduce((data, step) => step(data), plain(schemaOf(name).type.fromBuffer(bytes)));
    },
  };
}

/** Where data is written first: a buffer made to measure by Avro costs more than the writing, and as much again to collect. */
const scratch = Buffer.allocUnsafeSlow(16 * 1024);

function bytesOf(type: Type, data: object): Buffer {
  const end = type.encode(data, scratch, 0);
  if (end < 0) return type.toBuffer(data);
  const bytes = Buffer.allocUnsafe(end);
  scratch.copy(bytes, 0, 0, end);
  return bytes;
}

type Step = (data: Record<string, unknown>) => Record<string, unknown>;

/** New fields get their defaults, those that are gone go, and numbers become wider. */
function avroStep(before: Type, after: Type): Step {
  const resolver = after.createResolver(before);
  return (data) => plain(after.fromBuffer(before.toBuffer(data), resolver));
}

/** A step that somebody wrote, held to what the next version says. */
function ownStep(name: string, upcaster: Upcaster, after: Type): Step {
  return (data) => {
    const next = upcaster(data);
    const hook = (at: readonly string[]) => {
      throw new TypeError(
        `The upcaster from ${name} on leaves ${at.join('.') || 'the event'} missing or of a wrong type.`,
      );
    };
    after.isValid(next, { noUndeclaredFields: true, errorHook: hook });
    return next;
  };
}

/** Avro makes instances of a class of its own. */
function plain(record: unknown): Record<string, unknown> {
  return { ...(record as Record<string, unknown>) };
}

/** The versions there are of each event type, from the names of the files alone. */
function versionsIn(folder: string): ReadonlyMap<string, readonly number[]> {
  const versions = new Map<string, number[]>();
  for (const file of readdirSync(folder).toSorted()) {
    const match = /^(?<type>[A-Za-z]+)\.v(?<version>[1-9][0-9]*)\.avsc$/.exec(file)?.groups;
    if (match?.['type'] === undefined) throw new Error(`${file} in ${folder}: name it <Event>.v<N>.avsc`);
    versions.set(match['type'], [...(versions.get(match['type']) ?? []), Number(match['version'])]);
  }
  return versions;
}

function fingerprintOf(folder: string): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(folder).toSorted()) hash.update(file).update(readFileSync(path.join(folder, file)));
  return hash.digest('hex');
}

function parseSchema(folder: string, name: string): Schema {
  const file = JSON.parse(readFileSync(path.join(folder, `${name}.avsc`), 'utf8')) as SchemaFile;
  return {
    version: Number(name.split('.v')[1]),
    type: avro.Type.forSchema(file as never, { wrapUnions: 'never', omitRecordMethods: true }),
    fields: file.fields.map((field) => field.name),
    personal: file.fields.flatMap((field) =>
      field.personal === undefined ? [] : [{ name: field.name, subject: field.personal.subject }],
    ),
  };
}

function refuse(eventType: string, fields: readonly string[], at: readonly string[], value: unknown): never {
  if (at.length > 0) throw new TypeError(`${[eventType, ...at].join('.')} has a wrong type or value: ${typeof value}`);
  const unknown = Object.keys(value as object).filter((name) => !fields.includes(name));
  throw new TypeError(`${eventType}.${unknown.join(`, ${eventType}.`)} is not in its schema`);
}

/** A function of a name that makes each thing once. */
function cached<Thing>(make: (name: string) => Thing): (name: string) => Thing {
  const made = new Map<string, Thing>();
  return (name) => {
    let thing = made.get(name);
    if (thing === undefined) {
      thing = make(name);
      made.set(name, thing);
    }
    return thing;
  };
}
