import { ApiKeyId, BackupId, NodeId, OperationId, TenantId } from '#domains/kernel/ids.ts';
import { expect, test } from 'vitest';

import { newId } from './ids.ts';

test('every kind of id is what the domain takes for one', () => {
  for (let n = 0; n < 1_000; n += 1) {
    TenantId.parse(newId('tnt'));
    NodeId.parse(newId('node'));
    BackupId.parse(newId('bkp'));
    OperationId.parse(newId('op'));
    ApiKeyId.parse(newId('key'));
  }
});

test('ids are unique and sort by the time they were made, also within a millisecond', () => {
  const ids = Array.from({ length: 20_000 }, () => newId('node'));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.toSorted()).toEqual(ids);
});

test('the first 48 bits are the time in milliseconds', () => {
  const before = Date.now();
  const id = newId('tnt').slice('tnt_'.length);
  const after = Date.now();
  let number = 0n;
  for (const digit of id) number = number * 32n + BigInt('0123456789abcdefghjkmnpqrstvwxyz'.indexOf(digit));
  const time = Number(number >> 80n);
  expect(time).toBeGreaterThanOrEqual(before);
  expect(time).toBeLessThanOrEqual(after);
});
