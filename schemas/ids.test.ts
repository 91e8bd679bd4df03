import { readdirSync } from 'node:fs';
import path from 'node:path';

import { expect, test } from 'vitest';

import { schemaId, schemaWithId } from './ids.ts';
import ids from './ids.json' with { type: 'json' };

const folder = import.meta.dirname;

test('every schema has an id, every id a schema, and no id stands for two', () => {
  const files = ['events', 'wire'].flatMap((room) => readdirSync(path.join(folder, room)));
  expect(Object.keys(ids).toSorted()).toEqual(files.map((file) => file.slice(0, -'.avsc'.length)).toSorted());
  expect(new Set(Object.values(ids)).size).toBe(Object.keys(ids).length);
});

test('ids go both ways; one that is missing says what to add', () => {
  const schema = { eventType: 'NodeFailed', version: 1 };
  expect(schemaWithId(schemaId(schema))).toEqual(schema);
  expect(schemaWithId(0)).toBeUndefined();
  expect(() => schemaId({ eventType: 'NodeFailed', version: 99 })).toThrow(
    'NodeFailed.v99 has no id: record it with npm run schemas -- types',
  );
});
