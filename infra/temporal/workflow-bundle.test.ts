import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { workflowBundle } from './workflow-bundle.ts';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(path.join(import.meta.dirname, 'bundle-test-'))));
afterEach(() => rm(folder, { recursive: true }));

test('a bundle is made once for what went into it, and anew when that changes', async () => {
  const cache = await mkdtemp(path.join(tmpdir(), 'bundle-cache-'));
  const file = path.join(folder, 'workflows.ts');
  await writeFile(file, `export async function first(): Promise<string> { return 'marker one'; }`);
  const made = await workflowBundle(file, undefined, cache);
  if (!('codePath' in made)) throw new Error('It was not kept.');
  const code = await readFile(made.codePath, 'utf8');
  expect(code).toContain('marker one');

  const began = performance.now();
  expect(await workflowBundle(file, undefined, cache)).toEqual(made);
  expect(performance.now() - began).toBeLessThan(500);

  await writeFile(file, `export async function first(): Promise<string> { return 'marker two'; }`);
  const changed = await workflowBundle(file, undefined, cache);
  if (!('codePath' in changed)) throw new Error('It was not kept.');
  expect(await readFile(changed.codePath, 'utf8')).toContain('marker two');
  expect(await readdir(path.join(cache, 'workflow-bundles'))).toHaveLength(2);
  await rm(cache, { recursive: true });
}, 60_000);

test('a cache that can not be written to costs time, nothing more', async () => {
  const file = path.join(folder, 'workflows.ts');
  await writeFile(file, `export async function first(): Promise<string> { return 'marker one'; }`);
  const made = await workflowBundle(file, undefined, file);
  expect('code' in made && made.code).toContain('marker one');
}, 60_000);

test('workflows that do not compile are an error that names the problem', async () => {
  const file = path.join(folder, 'workflows.ts');
  await writeFile(file, `import { nothing } from './missing.ts'; export const first = nothing;`);
  await expect(workflowBundle(file, undefined, folder)).rejects.toThrow(/missing/);
  expect(await readdir(folder)).toEqual(['workflows.ts']);
}, 60_000);
