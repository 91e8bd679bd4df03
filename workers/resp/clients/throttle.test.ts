import { expect, test } from 'vitest';

import { createThrottle } from './throttle.ts';

const here = '192.0.2.1';
const elsewhere = '192.0.2.2';

function failTimes(throttle: ReturnType<typeof createThrottle>, times: number, address = here, user = 'node_a') {
  return Array.from({ length: times }, () => throttle.failed(address, user)).at(-1);
}

test('typing errors cost nothing, guessing costs more and more time, and in the end no guess is looked at', () => {
  const throttle = createThrottle(() => 0);
  expect(failTimes(throttle, 10)).toEqual({ delay_ms: 0, refusedFor_s: undefined });
  const eleventh = failTimes(throttle, 1);
  expect(eleventh?.delay_ms).toBeGreaterThan(0);
  expect(failTimes(throttle, 1)?.delay_ms).toBe(2 * (eleventh?.delay_ms ?? 0));
  expect(throttle.isRefused(here, 'node_a')).toBe(false);
  expect(failTimes(throttle, 40)).toEqual({ delay_ms: 1000, refusedFor_s: 60 });
  expect(throttle.isRefused(here, 'node_a')).toBe(true);
  expect(throttle.failures).toBe(52);
});

test('others are not concerned: another user of the same address, the same user elsewhere', () => {
  const throttle = createThrottle(() => 0);
  failTimes(throttle, 100);
  expect(throttle.isRefused(here, 'node_b')).toBe(false);
  expect(throttle.isRefused(elsewhere, 'node_a')).toBe(false);
  expect(throttle.failed(elsewhere, 'node_a').delay_ms).toBe(0);
});

test('an address that tries many users is slowed down, but never refused', () => {
  const throttle = createThrottle(() => 0);
  for (let n = 0; n < 300; n += 1) throttle.failed(here, `node_${n}`);
  expect(throttle.failed(here, 'node_x')).toEqual({ delay_ms: 1000, refusedFor_s: undefined });
});

test('success and time forgive', () => {
  let now = 0;
  const throttle = createThrottle(() => now);
  failTimes(throttle, 100);
  throttle.succeeded(here, 'node_a');
  expect(throttle.failed(here, 'node_a').delay_ms).toBe(0);
  failTimes(throttle, 100);
  now = 60_001;
  expect(throttle.isRefused(here, 'node_a')).toBe(false);
  expect(throttle.failed(here, 'node_a')).toEqual({ delay_ms: 0, refusedFor_s: undefined });
});
