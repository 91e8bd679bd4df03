import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import avro, { type Resolver, type Type } from 'avsc';

/** A field whose value is about a person: the log holds it encrypted with the key of the subject that another field names. */
export interface PersonalField {
  readonly name: string;
  /** The field of the same event that holds the subject's id. */
  readonly subject: string;
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

const folder = path.join(import.meta.dirname, 'events');
const fileName = /^(?<type>[A-Za-z]+)\.v(?<version>[1-9][0-9]*)\.avsc$/;

/** The versions there are of each event type, from the names of the files alone; a file is parsed when it is first needed. */
const versions = new Map<string, number[]>();
for (const file of readdirSync(folder).toSorted()) {
  const match = fileName.exec(file)?.groups;
  if (match?.['type'] === undefined) throw new Error(`schemas/events/${file}: name it <Event>.v<N>.avsc`);
  versions.set(match['type'], [...(versions.get(match['type']) ?? []), Number(match['version'])]);
}

/** Every event type that has a schema. */
export function eventTypes(): readonly string[] {
  return [...versions.keys()];
}

/** The fields of an event type that are personal, by its newest schema. */
export function personalFields(eventType: string): readonly PersonalField[] {
  return newest(eventType).personal;
}

/**
 * The Avro form of an event's data, by the newest schema of its type. Throws a TypeError that names the field when one is
 * missing, unknown or of the wrong type: the log must never hold what its schema does not say.
 */
export function encode(eventType: string, data: unknown): { schemaVersion: number; bytes: Buffer } {
  const { version, type, fields } = newest(eventType);
  if (typeof data !== 'object' || data === null) throw new TypeError(`${eventType}: the data must be an object`);
  for (const name of fields) {
    // Avro would fill in a default; but a writer that leaves a field out has most likely forgotten it.
    if ((data as Record<string, unknown>)[name] === undefined) throw new TypeError(`${eventType}.${name} is missing`);
  }
  type.isValid(data, { noUndeclaredFields: true, errorHook: (at, value) => refuse(eventType, fields, at, value) });
  return { schemaVersion: version, bytes: type.toBuffer(data) };
}

/** The data of an event written by any version of its schema, resolved to the newest one. */
export function decode(eventType: string, schemaVersion: number, bytes: Buffer): Record<string, unknown> {
  const { type, version } = newest(eventType);
  const record: unknown =
    schemaVersion === version
      ? type.fromBuffer(bytes)
      : type.fromBuffer(bytes, resolverOf(eventType, schemaVersion), false);
  // Avro makes instances of a class of its own; readers get plain objects.
  return { ...(record as Record<string, unknown>) };
}

function refuse(eventType: string, fields: readonly string[], at: readonly string[], value: unknown): never {
  if (at.length > 0) throw new TypeError(`${[eventType, ...at].join('.')} has a wrong type: ${typeof value}`);
  const unknown = Object.keys(value as object).filter((name) => !fields.includes(name));
  throw new TypeError(`${eventType}.${unknown.join(`, ${eventType}.`)} is not in its schema`);
}

const parsed = new Map<string, Schema>();

function schemaOf(eventType: string, version: number): Schema {
  const name = `${eventType}.v${version}`;
  const known = parsed.get(name);
  if (known !== undefined) return known;
  const file = JSON.parse(readFileSync(path.join(folder, `${name}.avsc`), 'utf8')) as SchemaFile;
  const schema: Schema = {
    version,
    type: avro.Type.forSchema(file as never, { wrapUnions: 'never', omitRecordMethods: true }),
    fields: file.fields.map((field) => field.name),
    personal: file.fields.flatMap((field) =>
      field.personal === undefined ? [] : [{ name: field.name, subject: field.personal.subject }],
    ),
  };
  parsed.set(name, schema);
  return schema;
}

const newestOf = new Map<string, Schema>();

function newest(eventType: string): Schema {
  let schema = newestOf.get(eventType);
  if (schema === undefined) {
    const known = versions.get(eventType);
    if (known === undefined) {
      throw new TypeError(`The event type ${eventType} has no schema; add schemas/events/${eventType}.v1.avsc`);
    }
    schema = schemaOf(eventType, Math.max(...known));
    newestOf.set(eventType, schema);
  }
  return schema;
}

const resolvers = new Map<string, Resolver>();

function resolverOf(eventType: string, writtenBy: number): Resolver {
  const name = `${eventType}.v${writtenBy}`;
  let resolver = resolvers.get(name);
  if (resolver === undefined) {
    if (versions.get(eventType)?.includes(writtenBy) !== true) {
      throw new TypeError(`${name}.avsc is not in schemas/events; schemas that were ever used must stay there`);
    }
    resolver = newest(eventType).type.createResolver(schemaOf(eventType, writtenBy).type);
    resolvers.set(name, resolver);
  }
  return resolver;
}
