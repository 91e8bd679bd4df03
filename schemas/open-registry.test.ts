import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, expect, test } from 'vitest';

import { openRegistry, type Registry } from './open-registry.ts';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function registryOf(files: Record<string, object[]>): Registry {
  const folder = mkdtempSync(path.join(tmpdir(), 'schemas-'));
  folders.push(folder);
  for (const [name, fields] of Object.entries(files)) {
    const schema = { type: 'record', name: name.split('.')[0], fields };
    writeFileSync(path.join(folder, `${name}.avsc`), JSON.stringify(schema));
  }
  return openRegistry(folder);
}

const id = { name: 'id', type: 'string' };
const size = { name: 'size', type: 'int' };

test('what an older schema wrote is read as the newest one has it: new fields by default, dropped ones gone, ints as longs', () => {
  const v1 = [id, size, { name: 'old', type: 'string' }];
  const v2 = [id, { name: 'size', type: 'long' }, { name: 'note', type: ['null', 'string'], default: null }];
  const { bytes, schemaVersion } = registryOf({ 'Grown.v1': v1 }).encode('Grown', { id: 'a', size: 7, old: 'x' });
  const registry = registryOf({ 'Grown.v1': v1, 'Grown.v2': v2 });
  expect(registry.decode('Grown', schemaVersion, bytes)).toEqual({ id: 'a', size: 7, note: null });
  expect(registry.encode('Grown', { id: 'a', size: 2 ** 40, note: 'n' }).schemaVersion).toBe(2);
});

test('versions are numbers: the tenth is newer than the ninth', () => {
  const registry = registryOf({ 'Grown.v9': [id], 'Grown.v10': [id, { ...size, default: 0 }] });
  expect(registry.encode('Grown', { id: 'a', size: 1 }).schemaVersion).toBe(10);
  expect(() => registry.encode('Grown', { id: 'a' })).toThrow('Grown.size is missing');
});

test('a version that is not there is an error, and so is a file with another kind of name', () => {
  const registry = registryOf({ 'Grown.v2': [id] });
  expect(() => registry.decode('Grown', 1, Buffer.alloc(1))).toThrow('Grown.v1.avsc is not in schemas/events');
  expect(() => registryOf({ Grown: [id] })).toThrow('<Event>.v<N>.avsc');
});

test('a damaged file hurts only those who need it', () => {
  const registry = registryOf({ 'Good.v1': [id], 'Bad.v1': [{ name: 'id', type: 'no such type' }] });
  expect(registry.encode('Good', { id: 'a' }).bytes.length).toBe(2);
  expect(() => registry.encode('Bad', { id: 'a' })).toThrow();
});
