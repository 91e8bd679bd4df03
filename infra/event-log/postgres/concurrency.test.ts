import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import { testDatabase } from '#test/tools/postgres.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { appendOf, openLog, said, type LogUnderTest } from '../testing/log-under-test.ts';
import { flawsOf } from '../testing/sound-log.ts';
import { runWriters, startWriters, type Acknowledged } from '../testing/writers.ts';

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

test('hundreds of writers in several processes: no gap at any moment, nothing lost, nothing doubled', async () => {
  const done = new AbortController();
  // Whoever reads while they write never sees a position before all that come before it.
  const reader = (async () => {
    let looks = 0;
    for (; !done.signal.aborted; looks += 1) {
      const { rows } = await under.pool.query(
        'SELECT count(*) AS count, coalesce(max(position), 0) AS last, (SELECT position FROM head) AS head FROM events',
      );
      const [{ count, last, head }] = rows as [{ count: bigint; last: bigint; head: bigint }];
      expect([last, head]).toEqual([count, count]);
    }
    return looks;
  })();
  const acknowledged = (
    await Promise.all(['p1', 'p2', 'p3', 'p4'].map((name) => runWriters(database.url, name, 100, 10)))
  ).flat();
  done.abort();
  expect(await reader).toBeGreaterThan(20);

  expect(new Set(acknowledged.map(({ id }) => id)).size).toBe(4_000);
  expect(await under.log.head()).toBe(6_000n);
  const events = new Map<bigint, RecordedEvent>();
  for await (const batch of under.log.readAll({ after: 0n }))
    for (const event of batch) events.set(event.position, event);
  for (const { id, first, last } of acknowledged) {
    for (let at = BigInt(first); at <= BigInt(last); at += 1n)
      expect(events.get(at)?.data).toMatchObject({ reason: id });
  }
  expect(new Set([...events.values()].map(({ eventId }) => eventId)).size).toBe(6_000);
});

test('of hundreds who create one stream at the same moment, exactly one does', async () => {
  const logs = Array.from({ length: 4 }, () => openLog(database.url));
  for (let round = 0; round < 5; round += 1) {
    const stream = `reservation-${round}`;
    const results = await Promise.all(
      Array.from({ length: 400 }, (_, n) => {
        const own: Parameters<typeof appendOf>[0] = [`node-${round}-${n}`, 'no-stream', said('x')];
        return (logs[n % 4] ?? under).log.append(appendOf(own, [stream, 'no-stream', said(String(n))]));
      }),
    );
    const winners = results.flatMap((result, n) => (result.ok ? [n] : []));
    expect(winners.length).toBe(1);
    expect((await under.log.readStream(stream)).map(({ data }) => data)).toEqual([
      { nodeId: 'node_1', reason: String(winners[0]) },
    ]);
    for (const result of results) {
      if (!result.ok) expect(result).toEqual({ ok: false, conflict: 'version', stream, actual: 0 });
    }
  }
  // Of those who lost, nothing at all was recorded: two events a round.
  expect(await under.log.head()).toBe(10n);
  await Promise.all(logs.map((log) => log.close()));
});

test('a counter that many increase by exact versions counts every acknowledged increase, and no other', async () => {
  const logs = Array.from({ length: 3 }, () => openLog(database.url));
  let increases = 0;
  await Promise.all(
    Array.from({ length: 60 }, async (_, n) => {
      const { log } = logs[n % 3] ?? under;
      for (let tries = 0; tries < 10; tries += 1) {
        const version = (await log.readStream('node-counter')).length - 1;
        const expected = version === -1 ? 'no-stream' : version;
        const result = await log.append(appendOf(['node-counter', expected, said(String(version + 1))]));
        if (result.ok) increases += 1;
        else expect(result).toMatchObject({ conflict: 'version', stream: 'node-counter' });
      }
    }),
  );
  const events = await under.log.readStream('node-counter');
  expect(events.length).toBe(increases);
  expect(increases).toBeGreaterThan(9);
  for (const [n, { version, data }] of events.entries()) {
    expect([version, data]).toEqual([n, { nodeId: 'node_1', reason: String(n) }]);
  }
  await Promise.all(logs.map((log) => log.close()));
});

test('a writer that is killed in the middle leaves whole appends, and what it had acknowledged', async () => {
  const child = startWriters(database.url, 'doomed', 50, 1000);
  const output = text(child.stdout);
  while ((await under.log.head()) < 500n) await sleep(10);
  child.kill('SIGKILL');
  const lines = (await output).split('\n').slice(0, -1);
  const heads = new Set<string>();
  for await (const batch of under.log.readAll({ after: 0n })) {
    for (const { data } of batch) heads.add((data as { reason: string }).reason);
  }
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) expect(heads.has((JSON.parse(line) as Acknowledged).id)).toBe(true);
  // New streams get two events at once: none may have one.
  const { rows } = await under.pool.query(
    `SELECT stream FROM events WHERE stream <> 'node-shared' GROUP BY stream HAVING count(*) <> 2`,
  );
  expect(rows).toEqual([]);
});
