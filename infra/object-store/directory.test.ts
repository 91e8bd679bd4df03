import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { openDirectoryStore } from './directory.ts';
import { ObjectMissing, type ObjectStore } from './object-store.ts';
import { openObjectStore } from './open.ts';

let folder: string;
let store: ObjectStore;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'object-store-test-'));
  store = await openDirectoryStore(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function* of(...chunks: Uint8Array[]) {
  yield* chunks;
}

async function keys(prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list(prefix)) found.push(key);
  return found.sort();
}

const uploads = () => readdir(path.join(folder, '.uploads'));

test('what is put comes back byte for byte, with its length and SHA-256, however it was cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 5000 }), { maxLength: 20 }), async (chunks) => {
      const whole = Buffer.concat(chunks);
      const stored = await store.put('a/object', of(...chunks));
      expect(stored).toEqual({ bytes: whole.length, sha256: createHash('sha256').update(whole).digest('hex') });
      expect((await buffer(await store.get('a/object'))).equals(whole)).toBe(true);
      expect(await store.head('a/object')).toEqual({ bytes: whole.length });
    }),
    { numRuns: 30 },
  );
});

test('put, delete and list behave as a map from key to content', async () => {
  const key = fc
    .array(fc.constantFrom('a', 'ab', 'b-1', 'c_2.rdb'), { minLength: 1, maxLength: 3 })
    .map((names) => [...names, 'end'].join('/'));
  const step = fc.record({ key, remove: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 15 }),
      fc.constantFrom('', 'a', 'a/', 'ab/b-1'),
      async (steps, prefix) => {
        await rm(folder, { recursive: true, force: true });
        store = await openDirectoryStore(folder);
        const model = new Set<string>();
        for (const { key, remove } of steps) {
          if (remove) await store.delete(key);
          else await store.put(key, of(Buffer.from(key)));
          if (remove) model.delete(key);
          else model.add(key);
        }
        expect(await keys(prefix)).toEqual([...model].filter((name) => name.startsWith(prefix)).sort());
      },
    ),
    { numRuns: 30 },
  );
});

test('no key names anything outside the store or one of its own files', async () => {
  const bad = [
    '',
    '.',
    '..',
    '../x',
    'a/../../x',
    '/etc/passwd',
    'a//b',
    'a/',
    '.uploads/x',
    'a/.hidden',
    'a\\b',
    'a\0b',
    'ü',
  ];
  for (const key of [...bad, 'x'.repeat(201), Array(500).fill('ab').join('/')]) {
    await expect(store.put(key, of()), key).rejects.toThrow(/is no object key/);
    await expect(store.get(key), key).rejects.toThrow(/is no object key/);
    await expect(store.head(key), key).rejects.toThrow(/is no object key/);
    await expect(store.delete(key), key).rejects.toThrow(/is no object key/);
  }
  expect(await keys('')).toEqual([]);
});

test('what is not there is missing, for a folder of keys too, and deleting it is no error', async () => {
  await store.put('a/b/c', of(Buffer.from('1')));
  for (const key of ['nothing', 'a', 'a/b', 'a/b/c/d']) {
    await expect(store.get(key)).rejects.toThrow(ObjectMissing);
    expect(await store.head(key)).toBeNull();
    await store.delete(key);
  }
  expect(await keys('')).toEqual(['a/b/c']);
});

test('an upload shows nowhere before it is whole, and a failed one leaves the old object and no trace', async () => {
  await store.put('k', of(Buffer.from('old')));
  async function* failing() {
    yield Buffer.from('new ');
    expect(await uploads()).toHaveLength(1);
    expect((await buffer(await store.get('k'))).toString()).toBe('old');
    expect(await keys('')).toEqual(['k']);
    throw new Error('the source went away');
  }
  await expect(store.put('k', failing())).rejects.toThrow('the source went away');
  expect((await buffer(await store.get('k'))).toString()).toBe('old');
  expect(await uploads()).toEqual([]);
});

test('a reader that began before a replacement reads the old object to its end', async () => {
  const old = Buffer.alloc(3_000_000, 'o');
  await store.put('k', of(old));
  const reading = await store.get('k');
  await store.put('k', of(Buffer.from('new')));
  expect((await buffer(reading)).equals(old)).toBe(true);
  expect((await buffer(await store.get('k'))).toString()).toBe('new');
});

test('a writer killed at any moment leaves whole objects only, and its upload goes at the next opening', async () => {
  const moduleUrl = pathToFileURL(path.join(import.meta.dirname, 'directory.ts')).href;
  const script = `
    const { openDirectoryStore } = await import(${JSON.stringify(moduleUrl)});
    const store = await openDirectoryStore(${JSON.stringify(folder)});
    async function* content(n) { for (let i = 0; i < 64; i += 1) yield Buffer.alloc(16384, n % 256); }
    console.log('ready');
    for (let n = 0; ; n += 1) await store.put('k/' + n, content(n));
  `;
  // Until a kill has come in the middle of an upload, which is a matter of luck.
  for (let round = 0; round < 5 || (round < 50 && (await uploads()).length === 0); round += 1) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await sleep(20 + 40 * (round % 5));
    child.kill('SIGKILL');
    await once(child, 'exit');
    for await (const { key, bytes } of store.list('')) {
      expect(bytes).toBe(64 * 16384);
      const value = Number(key.slice(2)) % 256;
      expect((await buffer(await store.get(key))).every((byte) => byte === value)).toBe(true);
    }
  }
  expect((await uploads()).length).toBeGreaterThan(0);
  await openDirectoryStore(folder);
  expect(await uploads()).toEqual([]);
});

test('opening spares the uploads of living processes and of other machines, unless untouched for a day', async () => {
  let finish = () => {};
  const mayFinish = new Promise<void>((resolve) => (finish = resolve));
  async function* slow() {
    yield Buffer.from('1');
    await mayFinish;
    yield Buffer.from('2');
  }
  const uploading = store.put('slow', slow());
  const foreign = path.join(folder, '.uploads', `elsewhere,1,start,${randomUUID()}`);
  const forgotten = path.join(folder, '.uploads', `elsewhere,2,start,${randomUUID()}`);
  await writeFile(foreign, '');
  await writeFile(forgotten, '');
  await utimes(forgotten, new Date(0), new Date(0));
  await openDirectoryStore(folder);
  expect(await uploads()).toHaveLength(2);
  finish();
  expect(await uploading).toMatchObject({ bytes: 2 });
});

test('OBJECT_STORE_URL chooses the store, and one that is not built is refused', async () => {
  const byUrl = await openObjectStore(pathToFileURL(folder).href);
  await byUrl.put('via/url', of(Buffer.from('1')));
  expect(await keys('via')).toEqual(['via/url']);
  await expect(openObjectStore('s3://bucket')).rejects.toThrow(/stores objects in a directory/);
});
