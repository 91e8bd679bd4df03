import { setTimeout as sleep } from 'node:timers/promises';

import type { StoredEvent } from '#infra/event-log/codec.ts';
import { openPostgresStoredEvents } from '#infra/event-log/postgres/stored.ts';
import { appendOf, openLog, said, type LogUnderTest } from '#infra/event-log/testing/log-under-test.ts';
import { storedUpToNow } from '#infra/event-log/testing/stored-up-to-now.ts';
import { storedEvent } from '#infra/kafka/event-record.ts';
import { clientOf, deleteTopics, settingsOf, startKafka, type Kafka } from '#test/tools/kafka.ts';
import { testDatabase } from '#test/tools/postgres.ts';
import { allOf, everythingRelayed, seenByTheRules, type Relayed } from '#test/tools/relayed.ts';
import type { Kafka as Client } from 'kafkajs';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { startRelay, type RunningRelay } from './relay.ts';

const logger = pino({ level: 'silent' });

let kafka: Kafka;
let client: Client;
let database: Awaited<ReturnType<typeof testDatabase>>;
let under: LogUnderTest;
const stops: Array<() => Promise<void>> = [];

beforeAll(async () => {
  kafka = await startKafka();
  client = clientOf(kafka);
});
afterAll(() => kafka?.close());
beforeEach(async () => {
  database = await testDatabase();
  under = openLog(database.url);
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await under.close();
  await database.drop();
  await deleteTopics(client);
});

function relay(): RunningRelay {
  const source = openPostgresStoredEvents(under.pool);
  const parts = { source, pool: under.pool, settings: settingsOf(kafka), logger };
  const running = startRelay({ kafka: client, ...parts });
  stops.push(async () => {
    await running.stop();
    await source.close();
  });
  return running;
}

function storedAll(): Promise<StoredEvent[]> {
  return storedUpToNow(openPostgresStoredEvents(under.pool));
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(10);
}

async function relayedAll(running: RunningRelay): Promise<void> {
  const head = await under.log.head();
  await until(() => running.status().position >= head);
}

async function append(count: number, streams: number, from = 0): Promise<void> {
  const appends = Array.from({ length: count }, (_, n) => {
    const category = ['node', 'tenant', 'backup'][(from + n) % 3] ?? 'node';
    return under.log.append(appendOf([`${category}-${(from + n) % streams}`, 'any', said(`reason ${from + n}`)]));
  });
  await Promise.all(appends);
}

test('an event in Kafka is the event in the log, whole and still encrypted, in the topic of its category', async () => {
  const running = relay();
  await under.log.append({
    commandUid: '3f0c1f9e-2b0a-4a59-9d8b-0d9e5a7c1d11',
    metadata: {
      actor: { kind: 'api-key', id: 'key_1' },
      address: '192.0.2.7',
      commandId: 'my-key',
      correlationId: 'corr',
      causationId: 'cause',
      trace: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      tenantId: 'tnt_1',
    },
    streams: [
      {
        stream: 'tenant-tnt_1',
        expectedVersion: 'no-stream',
        events: [{ type: 'TenantCreated', data: { tenantId: 'tnt_1', name: 'Čapek & Söhne', plan: 'free' } }],
      },
    ],
  });
  await relayedAll(running);
  const { events, watermarks } = await everythingRelayed(client);
  const [stored] = await storedAll();
  expect(events).toHaveLength(1);
  const [{ topic, record } = {} as Relayed] = events;
  expect(topic).toBe('miniredis.tenant.v1');
  expect(storedEvent(record)).toEqual(stored);
  expect(String(record.key)).toBe('tenant-tnt_1');
  expect(record.value?.includes('Čapek')).toBe(false);
  const headers = Object.fromEntries(
    Object.entries(record.headers ?? {}).map(([name, value]) => [name, String(value)]),
  );
  expect(headers).toMatchObject({
    ce_specversion: '1.0',
    ce_id: stored?.eventId,
    ce_type: 'TenantCreated',
    ce_source: '/miniredis/log',
    ce_time: stored?.recordedAt,
    ce_subject: 'tenant-tnt_1',
    position: '1',
    version: '0',
    epoch: '1',
    actor: 'api-key:key_1',
    command: 'my-key',
    correlation: 'corr',
    causation: 'cause',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    tenant: 'tnt_1',
  });
  expect(headers['address']).not.toContain('192.0.2.7');
  expect(record.timestamp).toBe(String(Date.parse(stored?.recordedAt ?? '')));
  expect(watermarks.at(-1)).toMatchObject({ epoch: 1n, position: 1n });
});

test('every event is there once, in the order of its stream, and one stream is in one partition', async () => {
  const running = relay();
  await append(1500, 20);
  await relayedAll(running);
  const { events, watermarks } = await everythingRelayed(client);
  expect(allOf(events)).toEqual(await storedAll());
  const places = new Map<string, string>();
  for (const { topic, partition, record } of events) {
    const place = places.get(String(record.key)) ?? `${topic}/${partition}`;
    expect(`${topic}/${partition}`).toBe(place);
    places.set(String(record.key), place);
  }
  // The last watermark speaks of all there is.
  const { position, offsets } = watermarks.at(-1) ?? { position: 0n, offsets: new Map<string, number[]>() };
  expect(position).toBe(1500n);
  expect([...offsets.values()].flat().reduce((sum, offset) => sum + offset, 0)).toBe(1500);
});

test('a relay goes on from what Kafka has, whatever PostgreSQL says', async () => {
  const first = relay();
  await append(300, 10);
  await relayedAll(first);
  await first.stop();
  await append(300, 10, 300);
  await under.pool.query('UPDATE relay_state SET position = 0');
  const second = relay();
  await relayedAll(second);
  expect(second.status().epoch).toBe(2n);
  const { events } = await everythingRelayed(client);
  expect(events.map(({ record }) => storedEvent(record))).toHaveLength(600);
});

test('a topic that was deleted is filled again, and the others are left alone', async () => {
  const first = relay();
  await append(90, 9);
  await relayedAll(first);
  await first.stop();
  await deleteTopics(client, (name) => name === 'miniredis.tenant.v1');
  const second = relay();
  await relayedAll(second);
  const { events } = await everythingRelayed(client);
  expect(allOf(events)).toEqual(await storedAll());
});

test('events that together are larger than a batch may be are cut into several', async () => {
  const large = 'x'.repeat(250_000);
  for (let n = 0; n < 12; n += 1) await under.log.append(appendOf([`node-large`, 'any', said(`${n}${large}`)]));
  const running = relay();
  await relayedAll(running);
  const { events } = await everythingRelayed(client);
  expect(events.map(({ record }) => storedEvent(record))).toEqual(await storedAll());
});

test('a broker that is down holds nobody up; when it is back everything comes, in order', async () => {
  const running = relay();
  await append(100, 10);
  await relayedAll(running);
  await kafka.stop('SIGKILL');
  await append(500, 10, 100);
  expect(await under.log.head()).toBe(600n);
  await until(() => running.status().problem !== null);
  expect(running.status()).toMatchObject({ active: true, position: 100n });
  await append(100, 10, 600);
  await kafka.start();
  await relayedAll(running);
  expect(running.status().problem).toBeNull();
  const { events } = await everythingRelayed(client);
  expect(seenByTheRules(events)).toEqual(await storedAll());
});

test('one relay is active at a time; when it ends the next one takes over at once, under a new epoch', async () => {
  const first = relay();
  await append(60, 6);
  await relayedAll(first);
  const standby = relay();
  await sleep(300);
  expect(standby.status()).toMatchObject({ active: false, epoch: 0n });
  await first.stop();
  await append(60, 6, 60);
  await relayedAll(standby);
  expect(standby.status()).toMatchObject({ active: true, epoch: 2n });
  const { events, watermarks } = await everythingRelayed(client);
  expect(allOf(events)).toEqual(await storedAll());
  expect(watermarks.at(-1)).toMatchObject({ epoch: 2n, position: 120n });
});

test('a log that ends before what Kafka has is refused: it is another log', async () => {
  const first = relay();
  await append(30, 3);
  await relayedAll(first);
  await first.stop();
  await under.pool.query('DELETE FROM events WHERE position > 10');
  await under.pool.query('UPDATE head SET position = 10');
  const second = relay();
  await until(() => second.status().problem !== null);
  expect(second.status().problem).toContain('Kafka holds events up to position 30, the log only up to 10');
});
