import { expect, test } from 'vitest';
import { ratesOf, ratesWithin } from './plans.ts';

test('a plan that is not in the table has the rates of the default, whatever its name', () => {
  for (const name of ['constructor', 'acme-special']) expect(ratesOf(name)).toEqual(ratesOf('standard'));
  expect(ratesOf('free')).not.toEqual(ratesOf('standard'));
});

test('the host may allow less than a plan, and 0 is no limit on either side', () => {
  const host = { commandsPerSecond: 500, bytesPerSecond: 0 };
  expect(ratesWithin({ commandsPerSecond: 0, bytesPerSecond: 0 }, host)).toEqual(host);
  expect(ratesWithin({ commandsPerSecond: 100, bytesPerSecond: 7 }, host)).toEqual({
    commandsPerSecond: 100,
    bytesPerSecond: 7,
  });
  expect(ratesWithin({ commandsPerSecond: 900, bytesPerSecond: 7 }, host).commandsPerSecond).toBe(500);
});
