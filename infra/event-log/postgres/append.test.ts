import { testDatabase } from '#test/tools/postgres.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { Append } from '../event-log.ts';
import { appendOf, openLog, said, type LogUnderTest } from '../testing/log-under-test.ts';
import { flawsOf } from '../testing/sound-log.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let under: LogUnderTest;

beforeEach(async () => {
  database = await testDatabase();
  under = openLog(database.url);
});
afterEach(async () => {
  expect(await flawsOf(under.pool)).toEqual([]);
  await under.close();
  await database.drop();
});

const recorded = (firstPosition: bigint, lastPosition: bigint) => ({
  ok: true,
  firstPosition,
  lastPosition,
  repeated: false,
});
const conflict = (stream: string, actual: number | null) => ({ ok: false, conflict: 'version', stream, actual });

test('what is appended is what is read, with its place, its time and all its circumstances', async () => {
  const everything: Append = {
    ...appendOf(['node-a', 'no-stream', said('one'), said('two')], ['command-x', 'any', said('three')]),
    metadata: {
      actor: { kind: 'api-key', id: 'key_1' },
      address: '2001:db8::1',
      commandId: 'an "odd" {id}, \\ and ünïcode',
      correlationId: 'c',
      causationId: 'e',
      trace: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      tenantId: 'tnt_9',
    },
  };
  const before = Date.now();
  expect(await under.log.append(everything)).toEqual(recorded(1n, 3n));
  const [first, second] = await under.log.readStream('node-a');
  const [third] = await under.log.readStream('command-x');
  expect(first).toEqual({
    position: 1n,
    eventId: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
    stream: 'node-a',
    version: 0,
    type: 'NodeFailed',
    schemaVersion: 1,
    recordedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    data: { nodeId: 'node_1', reason: 'one' },
    metadata: everything.metadata,
  });
  expect(second).toMatchObject({ position: 2n, version: 1, data: { reason: 'two' } });
  expect(third).toMatchObject({ position: 3n, version: 0, stream: 'command-x' });
  expect(Math.abs(Date.parse(first?.recordedAt ?? '') - before)).toBeLessThan(5_000);
});

describe('a batch', () => {
  test('is one: what comes together gets one time, and each append sees those before it', async () => {
    await under.log.append(appendOf(['node-warm', 'any', said('up')]));
    const results = await Promise.all([
      under.log.append(appendOf(['node-a', 'no-stream', said('0')])),
      under.log.append(appendOf(['node-a', 'no-stream', said('late')])),
      under.log.append(appendOf(['node-a', 0, said('1')], ['node-b', 'no-stream', said('0')])),
      under.log.append(appendOf(['node-b', 3, said('wrong')], ['node-c', 'any', said('0')])),
      under.log.append(appendOf(['node-b', 0], ['node-a', 1, said('2')])),
    ]);
    expect(results).toEqual([
      recorded(2n, 2n),
      conflict('node-a', 0),
      recorded(3n, 4n),
      conflict('node-b', 0),
      recorded(5n, 5n),
    ]);
    const { rows } = await under.pool.query(
      'SELECT count(DISTINCT xmin::text) AS batches FROM events WHERE position > 1',
    );
    expect(rows).toEqual([{ batches: 1n }]);
  });

  test('is not spoilt by an append that the server refuses, wherever it stands', async () => {
    // What the server refuses fails the whole statement.
    await under.pool.query("ALTER TABLE streams ADD CHECK (stream NOT LIKE 'poison-%')");
    const poison = (n: number) => appendOf([`poison-${n}`, 'any', said('x')]);
    const poisoned = new Set([0, 77, 149]);
    const results = await Promise.allSettled(
      Array.from({ length: 150 }, (_, n) =>
        under.log.append(poisoned.has(n) ? poison(n) : appendOf([`node-${n}`, 'no-stream', said('x')])),
      ),
    );
    for (const [n, result] of results.entries()) {
      expect(result.status, `append ${n}`).toBe(poisoned.has(n) ? 'rejected' : 'fulfilled');
    }
    expect(await under.log.head()).toBe(147n);
  });

  test('may hold more than one statement takes', async () => {
    const results = await Promise.all(
      Array.from({ length: 1_000 }, () => under.log.append(appendOf(['node-hot', 'any', said('x')]))),
    );
    expect(results.filter((result) => result.ok).length).toBe(1_000);
    const large = Array.from({ length: 60 }, (_, n) => appendOf([`node-large-${n}`, 'any', said('x'.repeat(200_000))]));
    await Promise.all(large.map((append) => under.log.append(append)));
    expect(await under.log.head()).toBe(1_060n);
  });
});

describe('what no log can hold is refused before it is sent', () => {
  const refused: [what: string, append: Append, message: string][] = [
    [
      'an event that does not fit its schema',
      appendOf(['node-a', 'any', { type: 'NodeFailed', data: { nodeId: 'n' } }]),
      'NodeFailed.reason is missing',
    ],
    ['an unknown type', appendOf(['node-a', 'any', { type: 'Nothing', data: {} }]), 'Nothing has no schema'],
    ['an event that is too large', appendOf(['node-a', 'any', said('x'.repeat(300_000))]), 'more than the 262144'],
    [
      'a stream named twice',
      appendOf(['node-a', 'any', said('x')], ['node-a', 'any', said('y')]),
      'names node-a twice',
    ],
    ['a stream without a name', appendOf(['', 'any', said('x')]), '1 to 255'],
  ];
  test.each(refused)('%s', async (_what, append, message) => {
    await expect(under.log.append(append)).rejects.toThrow(message);
    expect(await under.log.head()).toBe(0n);
  });
});

test('recorded times never go back, though the clock does', async () => {
  await under.pool.query(`UPDATE head SET recorded_at = '2100-01-01T00:00:00.500Z'`);
  await under.log.append(appendOf(['node-a', 'any', said('x')]));
  const [event] = await under.log.readStream('node-a');
  expect(event?.recordedAt).toBe('2100-01-01T00:00:00.500Z');
});

test('a closed log takes no more appends, and has finished those it took', async () => {
  const other = openLog(database.url);
  const pending = Array.from({ length: 50 }, () => other.log.append(appendOf(['node-a', 'any', said('x')])));
  await Promise.all([...pending, other.log.close()]);
  await expect(other.log.append(appendOf(['node-a', 'any', said('x')]))).rejects.toThrow('closed');
  await other.pool.end();
  expect(await under.log.head()).toBe(50n);
});
