import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';

import { afterAll, expect, test } from 'vitest';

import { deriveKey, keyedHash, loadMasterKey } from './master-key.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'master-key-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('the key is made on first use, for its owner alone, and is the same ever after', async () => {
  const file = path.join(folder, 'new', 'master.key');
  const made = await loadMasterKey(file);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect((await loadMasterKey(file)).equals(made)).toBe(true);
  expect(readdirSync(path.dirname(file))).toEqual(['master.key']);
});

test('whoever starts at the same moment gets the same key', async () => {
  const file = path.join(folder, 'raced.key');
  const [first, ...others] = await Promise.all(Array.from({ length: 50 }, () => loadMasterKey(file)));
  if (first === undefined) throw new Error('unreachable');
  for (const other of others) expect(other.equals(first)).toBe(true);
});

test('a key that others can read, or that is damaged, is refused with what to do', async () => {
  const open = path.join(folder, 'open.key');
  writeFileSync(open, 'ab'.repeat(32));
  chmodSync(open, 0o644);
  await expect(loadMasterKey(open)).rejects.toThrow(`chmod 600 ${open}`);
  const cut = path.join(folder, 'cut.key');
  writeFileSync(cut, 'ab'.repeat(31), { mode: 0o600 });
  await expect(loadMasterKey(cut)).rejects.toThrow('damaged');
});

test('hashes depend on key, purpose and text; neither key nor text shows in them', async () => {
  const [left, right] = [await loadMasterKey(path.join(folder, 'a')), await loadMasterKey(path.join(folder, 'b'))];
  const hashes = [
    keyedHash(left, 'names', 'acme'),
    keyedHash(left, 'names', 'acme2'),
    keyedHash(left, 'requests', 'acme'),
    keyedHash(right, 'names', 'acme'),
  ];
  expect(new Set(hashes).size).toBe(4);
  for (const hash of hashes) expect(hash).toMatch(/^[0-9a-f]{64}$/);
  expect(keyedHash(left, 'names', 'acme')).toBe(hashes[0]);
});

test('a key does not show when it is logged', async () => {
  const file = path.join(folder, 'logged.key');
  const key = await loadMasterKey(file);
  const hex = readFileSync(file, 'utf8').trim();
  const shown = `${inspect(key, { depth: 9 })}${JSON.stringify({ key })}${JSON.stringify(deriveKey(key, 'x'))}`;
  expect(shown).not.toContain(hex);
  expect(shown).not.toContain(Buffer.from(hex, 'hex').toString('base64'));
});
