import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import avro from 'avsc';
import {
  assert,
  bigInt,
  constant,
  dictionary,
  double,
  integer,
  oneof,
  property,
  record,
  string,
  boolean,
  type Arbitrary,
} from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { problemsOf, readLock } from './check.ts';
import type { Schema } from './compatibility.ts';
import { readSchemas } from './read-schemas.ts';
import { decode, encode } from './registry.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'schemas-check-'));
  mkdirSync(path.join(folder, 'events'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const id = { name: 'id', type: 'string', doc: 'Whose.' };

function put(name: string, ...fields: object[]): void {
  const schema = { type: 'record', name: name.split('.')[0], doc: 'It grew.', fields };
  writeFileSync(path.join(folder, 'events', `${name}.avsc`), JSON.stringify(schema, null, 2));
}

function run(...args: string[]): Promise<{ code: number; text: string }> {
  const main = path.join(import.meta.dirname, 'main.ts');
  return new Promise((resolve) => {
    execFile(process.execPath, [main, '--folder', folder, ...args], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), text: stdout + stderr }),
    );
  });
}

test('the schemas of this project hold', () => {
  expect(problemsOf(import.meta.dirname)).toEqual([]);
});

test('a new version is begun, recorded, and its types are made', async () => {
  put('Grown.v1', id);
  expect((await run('check')).text).toContain('Grown.v1.avsc is not recorded yet: run npm run schemas -- types');
  expect((await run('types')).code).toBe(0);
  expect(await run('check')).toMatchObject({ code: 0 });
  expect((await run('new', 'Grown')).text).toContain('Grown.v2.avsc');
  put('Grown.v2', id, { name: 'size', type: ['null', 'long'], default: null, doc: 'How large.' });
  await run('types');
  expect(await run('check')).toMatchObject({ code: 0 });
  expect(readFileSync(path.join(folder, 'event-data.ts'), 'utf8')).toContain(
    '    /** How large. */\n    size: null | number;',
  );
  expect(Object.keys(readLock(folder))).toEqual(['events/Grown.v1.avsc', 'events/Grown.v2.avsc']);
  expect(await run('new', 'no event')).toMatchObject({ code: 2 });
});

describe('what is refused, with the field and what to do', () => {
  beforeEach(async () => {
    put('Grown.v1', id);
    await run('types');
  });
  const changes: [what: string, change: () => void, sentence: RegExp][] = [
    [
      'a recorded schema that was edited',
      () => put('Grown.v1', id, { name: 'x', type: 'int', default: 0 }),
      /Grown.v1.avsc was changed; .*Grown.v2.avsc/,
    ],
    [
      'one that is gone',
      () => rmSync(path.join(folder, 'events/Grown.v1.avsc')),
      /Grown.v1.avsc is gone; .*bring it back/,
    ],
    ['a version too many', () => put('Grown.v3', id), /Grown.v3.avsc: version 2 of Grown is missing/],
    [
      'one that is not compatible',
      () => put('Grown.v2', id, { name: 'x', type: 'int' }),
      /Grown.v2.avsc: field "x" was added without a default; give it a "default"/,
    ],
    [
      'one that is no JSON',
      () => writeFileSync(path.join(folder, 'events/Grown.v2.avsc'), '{'),
      /v2.avsc is not JSON: /,
    ],
    [
      'one that is no Avro',
      () => put('Grown.v2', id, { name: 'x', type: 'wrong', default: 0 }),
      /Grown.v2.avsc is no Avro schema/,
    ],
    [
      'types that are not the schemas’',
      () => writeFileSync(path.join(folder, 'event-data.ts'), ''),
      /event-data.ts is not what the schemas/,
    ],
    [
      'an id that was given to something else',
      () => writeFileSync(path.join(folder, 'ids.json'), '{ "Grown.v1": 2 }'),
      /ids.json is not what the schemas/,
    ],
  ];
  test.each(changes)('%s', async (_what, change, sentence) => {
    change();
    const { code, text } = await run('check');
    expect(text).toMatch(sentence);
    expect(code).toBe(text.includes('not JSON') ? 2 : 1);
  });

  test('nothing of that is recorded', async () => {
    put('Grown.v2', id, { name: 'x', type: 'int' });
    expect(await run('types')).toMatchObject({ code: 1, text: expect.stringContaining('added without a default') });
    expect(Object.keys(readLock(folder))).toEqual(['events/Grown.v1.avsc']);
  });

  test('one that is compatible with the version before, but not with all', async () => {
    put('Grown.v2', id, { name: 'x', type: 'int', default: 0 });
    put('Grown.v3', id, { name: 'x', type: 'int' });
    expect((await run('check')).text).toMatch(/Grown.v3.avsc: field "x" was added without a default/);
  });
});

/** Anything that a schema can say. */
function arbitraryOf(schema: Schema): Arbitrary<unknown> {
  if (Array.isArray(schema)) return oneof(...schema.map((branch: Schema) => arbitraryOf(branch)));
  if (typeof schema === 'string') {
    const simple: Record<string, Arbitrary<unknown>> = {
      null: constant(null),
      boolean: boolean(),
      int: integer(),
      // What avsc writes below -2^52 it reads as something else; no event counts so far down.
      long: bigInt({ min: -(2n ** 52n), max: 2n ** 53n - 2n }).map(Number),
      double: double(),
      string: string({ unit: 'binary' }),
    };
    const found = simple[schema];
    if (found === undefined) throw new Error(`Say here what a ${schema} can be.`);
    return found;
  }
  const { type, fields = [], values } = schema as Exclude<Schema, string | readonly Schema[]>;
  if (type === 'record')
    return record(Object.fromEntries(fields.map((field) => [field.name, arbitraryOf(field.type)])));
  // avsc assigns to the keys of a map, and an object has a `__proto__` already; our keys are names of ids.
  if (type === 'map' && values !== undefined) {
    return dictionary(
      string().filter((key) => key !== '__proto__'),
      arbitraryOf(values),
    );
  }
  return arbitraryOf(type);
}

/** Every schema that was ever recorded, whether its file is the newest of its event or not. */
const recorded = readSchemas(import.meta.dirname).filter(
  ({ file }) => file.startsWith('events/') && file in readLock(import.meta.dirname),
);

test.each(recorded)(
  'whatever $file wrote still reads, as its newest version says it',
  ({ eventType, version, schema }) => {
    const writer = avro.Type.forSchema(schema as never, { wrapUnions: 'never', omitRecordMethods: true });
    assert(
      property(arbitraryOf(schema), (data) => {
        const read = decode(eventType, version, writer.toBuffer(data));
        // What reads can be written again by the newest version, which refuses what it does not know or misses.
        const { schemaVersion, bytes } = encode(eventType, read);
        expect(decode(eventType, schemaVersion, bytes)).toEqual(read);
        if (schemaVersion === version) expect(read).toEqual(data);
      }),
      { numRuns: 50 },
    );
  },
);
