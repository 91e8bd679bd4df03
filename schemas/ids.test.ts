import { execFileSync } from 'node:child_process';
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
    /add "NodeFailed.v99": \d+ to schemas\/ids.json/,
  );
});

test('an id that was ever committed stands for the same schema for ever: Kafka is full of it', () => {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' });
  let commits: string[];
  try {
    commits = git('log', '--format=%H', '--', 'ids.json').split('\n').filter(Boolean);
  } catch {
    // An export without its history has nothing to compare with.
    return;
  }
  const now: Record<string, number> = ids;
  for (const commit of commits) {
    const then = JSON.parse(git('show', `${commit}:./ids.json`)) as Record<string, number>;
    for (const [schema, id] of Object.entries(then)) expect({ [schema]: now[schema] }).toEqual({ [schema]: id });
  }
});
