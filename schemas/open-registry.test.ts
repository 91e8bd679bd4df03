import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, describe, expect, test } from 'vitest';

import { openRegistry, type Registry } from './open-registry.ts';
import type { Upcasters } from './upcasters.ts';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function registryOf(files: Record<string, object[]>, upcasters: Upcasters = {}): Registry {
  const folder = mkdtempSync(path.join(tmpdir(), 'schemas-'));
  folders.push(folder);
  for (const [name, fields] of Object.entries(files)) {
    const schema = { type: 'record', name: name.split('.')[0], fields };
    writeFileSync(path.join(folder, `${name}.avsc`), JSON.stringify(schema));
  }
  return openRegistry(folder, upcasters);
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

describe('upcasting', () => {
  const [v1, v2] = [
    [id, size],
    [id, size, { name: 'unit', type: 'string', default: '' }],
  ];
  const v3 = [...v2, { name: 'bytes', type: 'long', default: -1 }];
  const files = { 'Grown.v1': v1, 'Grown.v2': v2, 'Grown.v3': v3 };
  const upcasters: Upcasters = {
    Grown: {
      1: (data) => ({ ...data, unit: 'kB' }),
      2: (data) => ({ ...data, bytes: Number(data['size']) * (data['unit'] === 'kB' ? 1_000 : 1) }),
    },
  };
  const written = (version: 1 | 2 | 3, data: object) => {
    const there = Object.entries(files).slice(0, version);
    return registryOf(Object.fromEntries(there)).encode('Grown', data);
  };

  test('goes step by step from the version that was written to the newest', () => {
    const registry = registryOf(files, upcasters);
    const read = ({ schemaVersion, bytes }: ReturnType<Registry['encode']>) =>
      registry.decode('Grown', schemaVersion, bytes);
    expect(read(written(1, { id: 'a', size: 7 }))).toEqual({ id: 'a', size: 7, unit: 'kB', bytes: 7_000 });
    expect(read(written(2, { id: 'a', size: 7, unit: 'B' }))).toEqual({ id: 'a', size: 7, unit: 'B', bytes: 7 });
    expect(read(written(3, { id: 'a', size: 7, unit: 'B', bytes: 9 }))).toEqual({
      id: 'a',
      size: 7,
      unit: 'B',
      bytes: 9,
    });
  });

  test('takes Avro’s way where nobody wrote a step', () => {
    const registry = registryOf(files, { Grown: { 2: upcasters['Grown']?.[2] ?? ((data) => ({ ...data })) } });
    const { schemaVersion, bytes } = written(1, { id: 'a', size: 7 });
    expect(registry.decode('Grown', schemaVersion, bytes)).toEqual({ id: 'a', size: 7, unit: '', bytes: 7 });
  });

  test('a step that gives what the next version does not say is an error that names the field', () => {
    const { schemaVersion, bytes } = written(1, { id: 'a', size: 7 });
    const wrong = (step: () => Record<string, unknown>) => () =>
      registryOf(files, { Grown: { 1: step } }).decode('Grown', schemaVersion, bytes);
    expect(wrong(() => ({ id: 'a', size: 'seven', unit: '' }))).toThrow('The upcaster from Grown.v1 on leaves size');
    expect(wrong(() => ({ id: 'a', size: 7, unit: '', more: 1 }))).toThrow('The upcaster from Grown.v1');
  });
});
