import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { parseSchema } from './catalog.ts';
import { explainIncompatibility } from './compatibility.ts';
import { generateTypes } from './generate-types.ts';
import { hashOf, readSchemas, type SchemaFile } from './read-schemas.ts';

/**
 * Every schema that was ever recorded, by file: what it said, and the id that records on the wire name it by. What is here is never
 * changed and never goes.
 */
type Lock = Readonly<Record<string, { readonly id: number; readonly sha256: string }>>;

export const lockFile = 'lock.json';
export const typesFile = 'event-data.ts';
export const idsFile = 'ids.json';

/** Everything that is wrong with the schemas of a folder, a sentence each that says what to do. */
export function problemsOf(folder: string): string[] {
  const broken = brokenContracts(folder);
  // That is to be mended before anything is recorded, and no types can be made of what is no schema.
  if (broken.length > 0) return broken;
  const [files, lock] = [readSchemas(folder), readLock(folder)];
  return [
    ...newProblems(files, lock),
    ...madeProblems(folder, typesFile, generateTypes(files)),
    ...madeProblems(folder, idsFile, generateIds(lock)),
  ];
}

export function readLock(folder: string): Lock {
  const file = path.join(folder, lockFile);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Lock) : {};
}

/** The lock with what is new added to it; what is in it already stays. */
export function extendLock(folder: string): Lock {
  const lock: Record<string, Lock[string]> = { ...readLock(folder) };
  for (const one of readSchemas(folder)) {
    const id = Math.max(0, ...Object.values(lock).map((entry) => entry.id)) + 1;
    lock[one.file] ??= { id, sha256: hashOf(one) };
  }
  return Object.fromEntries(Object.entries(lock).toSorted(([, left], [, right]) => left.id - right.id));
}

/** The text of `ids.json`: the ids of the lock, by the names that programs know schemas by. */
export function generateIds(lock: Lock): string {
  const ids = Object.entries(lock).map(([file, { id }]) => [path.basename(file, '.avsc'), id] as const);
  return `${JSON.stringify(Object.fromEntries(ids), null, 2)}\n`;
}

/**
 * What would break the contract if it were recorded: schemas that are none, were changed or are gone, and versions that are not
 * compatible with all before them. A sentence each.
 */
export function brokenContracts(folder: string): string[] {
  const files = readSchemas(folder);
  const unreadable = schemaProblems(files);
  // What is no schema can't be compared with others.
  if (unreadable.length > 0) return unreadable;
  return [...changedProblems(files, readLock(folder)), ...versionProblems(files)];
}

function newProblems(files: readonly SchemaFile[], lock: Lock): string[] {
  return files
    .filter(({ file }) => lock[file] === undefined)
    .map(({ file }) => `${file} is not recorded yet: run npm run schemas -- types, and commit what it writes.`);
}

function changedProblems(files: readonly SchemaFile[], lock: Lock): string[] {
  const there = new Set(files.map(({ file }) => file));
  const gone = Object.keys(lock).filter((file) => !there.has(file));
  return [
    ...gone.map(
      (file) => `${file} is gone; events that it describes are in logs for ever: bring it back (git checkout).`,
    ),
    ...files.flatMap((one) => {
      const locked = lock[one.file];
      if (locked === undefined || locked.sha256 === hashOf(one)) return [];
      const next = `${one.eventType}.v${one.version + 1}.avsc`;
      return [
        `${one.file} was changed; what was recorded stays as it is: undo it, and make the change in ${next} (npm run schemas -- new ${one.eventType}). If it was never committed, take its line out of schemas/${lockFile} and record it again.`,
      ];
    }),
  ];
}

function schemaProblems(files: readonly SchemaFile[]): string[] {
  return files.flatMap((one) => {
    const problems: string[] = [];
    try {
      parseSchema(one.text);
      generateTypes([one]);
    } catch (error) {
      problems.push(`${one.file} is no Avro schema for an event: ${(error as Error).message.replace(/\.$/, '')}.`);
    }
    const { name } = one.schema as { name?: string };
    if (name !== one.eventType)
      problems.push(`${one.file} defines "${name}"; the record must be called ${one.eventType}.`);
    return problems;
  });
}

/** Versions follow each other from 1, and each can read and be read by each (`FULL_TRANSITIVE`). */
function versionProblems(files: readonly SchemaFile[]): string[] {
  const problems: string[] = [];
  for (const [n, later] of files.entries()) {
    const earlier = files.slice(0, n).filter(({ eventType }) => eventType === later.eventType);
    if (later.version !== earlier.length + 1) {
      problems.push(
        `${later.file}: version ${earlier.length + 1} of ${later.eventType} is missing; versions follow each other from 1.`,
      );
    }
    for (const one of earlier) problems.push(...explainIncompatibility(one, later));
  }
  return problems;
}

function madeProblems(folder: string, name: string, text: string): string[] {
  const file = path.join(folder, name);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return [];
  return [
    `${name} is not what the schemas and ${lockFile} say: run npm run schemas -- types, and commit what it writes.`,
  ];
}
