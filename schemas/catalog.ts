import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

import avro, { type Type } from 'avsc';

import { explainIncompatibility, type Schema } from './compatibility.ts';
import ids from './ids.json' with { type: 'json' };

/** One version of a schema, as the rest of the world knows it. */
export interface CatalogEntry {
  /** What records on the wire name it by. */
  readonly id: number;
  /** The record's full name, such as `miniredis.tenant.TenantCreated`: one topic carries many types of events. */
  readonly subject: string;
  readonly version: number;
  /** The schema as JSON text. */
  readonly schema: string;
}

const rooms = ['events', 'wire'];

let entries: readonly CatalogEntry[] | undefined;

/** Every schema that was ever used, by subject and version. Read from the files once. */
export function catalog(): readonly CatalogEntry[] {
  entries ??= Object.entries(ids)
    .map(([file, id]) => readEntry(file, id))
    .toSorted((a, b) => (a.subject === b.subject ? a.version - b.version : a.subject < b.subject ? -1 : 1));
  return entries;
}

/** A schema that somebody else wrote. Throws when it is no Avro. */
export function parseSchema(text: string): Type {
  const schema: unknown = JSON.parse(text);
  // A schema's file may stand for nothing but the name of a simple type, which JSON has in quotes.
  return avro.Type.forSchema(schema as never, { wrapUnions: 'never', omitRecordMethods: true });
}

/** What tells one schema from another: its names, fields, types and defaults, not its documentation. */
export function essenceOf(type: Type): string {
  return JSON.stringify(plain(type), (name, value: unknown) => (name === 'doc' ? undefined : value));
}

/** Why a schema can't follow one that is there: not every record of the one can be read by the other. A sentence each, none when it can. */
export function incompatibilities(next: Type, earlier: CatalogEntry): string[] {
  return explainIncompatibility(
    { file: `version ${earlier.version}`, schema: plain(parseSchema(earlier.schema)) },
    { file: 'the new schema', schema: plain(next) },
  );
}

/** A schema as avsc knows it: names, types and defaults, and nothing that is this project's own. */
function plain(type: Type): Schema {
  return type.schema({ exportAttrs: true }) as Schema;
}

function readEntry(file: string, id: number): CatalogEntry {
  const room = rooms.find((one) => existsSync(fileOf(one, file)));
  if (room === undefined) throw new Error(`${file}.avsc is not in schemas/, but ids.json has an id for it`);
  const schema = JSON.parse(readFileSync(fileOf(room, file), 'utf8')) as { namespace: string; name: string };
  return {
    id,
    subject: `${schema.namespace}.${schema.name}`,
    version: Number(file.split('.v')[1]),
    schema: JSON.stringify(schema),
  };
}

function fileOf(room: string, file: string): string {
  return path.join(import.meta.dirname, room, `${file}.avsc`);
}
