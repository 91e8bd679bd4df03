import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';

import { createPool } from '#infra/postgres/pool.ts';
import { testDatabase } from '#test/tools/postgres.ts';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openSubjectKeys } from './subject-keys.ts';

const masterKey = createSecretKey(randomBytes(32));
let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: Pool;

beforeAll(async () => {
  database = await testDatabase();
  pool = createPool(database.url, { max: 20 });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

function keyOf(keys: ReadonlyMap<string, KeyObject | null>, subject: string): KeyObject {
  const key = keys.get(subject);
  if (!key) throw new Error(`no key for ${subject}`);
  return key;
}

test('a subject has one key, whoever asks first and how many at once', async () => {
  const subjects = Array.from({ length: 20 }, (_, n) => `raced-${n}`);
  const processes = Array.from({ length: 10 }, () => openSubjectKeys(pool, masterKey));
  const answers = await Promise.all(
    processes.map((keys, n) => keys.forWriting(n % 2 === 0 ? subjects : subjects.toReversed())),
  );
  for (const subject of subjects) {
    const [first, ...others] = answers.map((keys) => keyOf(keys, subject));
    for (const other of others) expect(first?.equals(other)).toBe(true);
  }
  const fresh = await openSubjectKeys(pool, masterKey).forReading(subjects);
  for (const subject of subjects) {
    expect(keyOf(fresh, subject).equals(keyOf(answers[0] ?? new Map(), subject))).toBe(true);
  }
});

test('the table holds no key in the clear, and each is wrapped for its subject alone', async () => {
  const keys = openSubjectKeys(pool, masterKey);
  const found = await keys.forWriting(['ann', 'bob']);
  const { rows } = await pool.query<{ wrapped_key: Buffer }>(
    `SELECT wrapped_key FROM subject_keys WHERE subject IN ('ann', 'bob') ORDER BY subject`,
  );
  expect(rows.length).toBe(2);
  for (const { wrapped_key: wrapped } of rows) {
    for (const key of found.values()) expect(wrapped.includes(key?.export() ?? '')).toBe(false);
  }
  await pool.query(
    `UPDATE subject_keys SET wrapped_key = (SELECT wrapped_key FROM subject_keys WHERE subject = 'ann') WHERE subject = 'bob'`,
  );
  await expect(openSubjectKeys(pool, masterKey).forReading(['bob'])).rejects.toThrow();
  await expect(openSubjectKeys(pool, createSecretKey(randomBytes(32))).forReading(['ann'])).rejects.toThrow();
});

test('an erased subject has no key any more, to read or to write, and gets no new one', async () => {
  const keys = openSubjectKeys(pool, masterKey);
  await keys.forWriting(['eve']);
  await keys.erase('eve');
  for (const known of [keys, openSubjectKeys(pool, masterKey)]) {
    expect((await known.forReading(['eve'])).get('eve')).toBeNull();
    expect((await known.forWriting(['eve'])).get('eve')).toBeNull();
  }
  const { rows } = await pool.query(`SELECT wrapped_key, erased_at FROM subject_keys WHERE subject = 'eve'`);
  expect(rows).toEqual([{ wrapped_key: null, erased_at: expect.any(Date) }]);
});

test('whoever is erased before they are known stays erased; erasing again changes nothing', async () => {
  const keys = openSubjectKeys(pool, masterKey);
  await keys.erase('mallory');
  const times = async () =>
    (await pool.query<{ erased_at: Date }>(`SELECT erased_at FROM subject_keys WHERE subject = 'mallory'`)).rows;
  const before = await times();
  await keys.erase('mallory');
  expect(await times()).toEqual(before);
  expect((await keys.forWriting(['mallory'])).get('mallory')).toBeNull();
});

test('reading makes no keys', async () => {
  const keys = openSubjectKeys(pool, masterKey);
  expect((await keys.forReading(['nobody'])).get('nobody')).toBeNull();
  expect((await pool.query(`SELECT FROM subject_keys WHERE subject = 'nobody'`)).rowCount).toBe(0);
  // That there was none when it was read says nothing about writing later.
  expect(keyOf(await keys.forWriting(['nobody']), 'nobody').type).toBe('secret');
});

test('known keys cost no query', async () => {
  const counted = { queries: 0 };
  const counting = new Proxy(pool, {
    get(target, name) {
      if (name === 'query') counted.queries += 1;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const keys = openSubjectKeys(counting, masterKey);
  await keys.forWriting(['cached']);
  const before = counted.queries;
  for (let n = 0; n < 100; n += 1) await keys.forReading(['cached']);
  expect(counted.queries).toBe(before);
});
