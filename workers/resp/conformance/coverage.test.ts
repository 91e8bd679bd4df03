import { expect, test } from 'vitest';
import { lookUp } from '../commands/execute.ts';
import { ELSEWHERE, occurrences } from './coverage.ts';

test('the differential test sends every command that can be compared at random', () => {
  const counts = occurrences(1, 100, 1000);
  expect(counts.size).toBeGreaterThan(250);
  expect([...counts].filter(([, count]) => count === 0)).toEqual([]);
});

test('what is looked at elsewhere is in the table', () => {
  for (const name of Object.keys(ELSEWHERE)) expect(lookUp(name.split('|'))?.fullName).toBe(name);
});
