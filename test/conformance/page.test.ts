import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { compatibilityPage, PAGE_FILE } from './page.ts';

test('docs/compatibility.md is what follows from the last run, the reasons and the command table', async () => {
  expect(await readFile(PAGE_FILE, 'utf8')).toBe(await compatibilityPage());
});
