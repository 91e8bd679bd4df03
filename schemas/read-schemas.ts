import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import type { Schema } from './compatibility.ts';

/** One version of an event's schema as its file has it. */
export interface SchemaFile {
  readonly eventType: string;
  readonly version: number;
  /** Such as `events/NodeFailed.v1.avsc`. */
  readonly file: string;
  readonly text: string;
  readonly schema: Schema & object;
}

/** The rooms of schemas: what events say, and what is on the wire beside them. */
const rooms = ['events', 'wire'];

/** Every schema there is in a folder with these rooms, by type and version. Throws for a file that is no JSON or has another kind of name, and where there is no room of events. */
export function readSchemas(folder: string): SchemaFile[] {
  if (!existsSync(path.join(folder, 'events'))) throw new Error(`There is no folder ${path.join(folder, 'events')}.`);
  return rooms
    .filter((room) => existsSync(path.join(folder, room)))
    .flatMap((room) => readdirSync(path.join(folder, room)).map((name) => readSchema(folder, `${room}/${name}`)))
    .toSorted((left, right) => left.eventType.localeCompare(right.eventType) || left.version - right.version);
}

function readSchema(folder: string, file: string): SchemaFile {
  const name = /\/(?<type>[A-Za-z]+)\.v(?<version>[1-9]\d*)\.avsc$/.exec(file)?.groups;
  if (name?.['type'] === undefined) throw new Error(`${file}: name it <Event>.v<N>.avsc`);
  const text = readFileSync(path.join(folder, file), 'utf8');
  let schema: SchemaFile['schema'];
  try {
    schema = JSON.parse(text) as SchemaFile['schema'];
  } catch (error) {
    throw new Error(`${file} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  return { eventType: name['type'], version: Number(name['version']), file, text, schema };
}

/** What a schema says, whatever the white space of its file: the SHA-256 of its JSON. */
export function hashOf({ schema }: SchemaFile): string {
  return createHash('sha256').update(JSON.stringify(schema)).digest('hex');
}
