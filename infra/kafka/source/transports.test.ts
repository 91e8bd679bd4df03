import { setTimeout as sleep } from 'node:timers/promises';

import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import { openCodec } from '#infra/event-codec/codec.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import { openPostgresStoredEvents } from '#infra/event-log/postgres/stored.ts';
import { appendOf, openLog, said, type LogUnderTest } from '#infra/event-log/testing/log-under-test.ts';
import { storedUpToNow } from '#infra/event-log/testing/stored-up-to-now.ts';
import { clientOf, deleteTopics, settingsOf, startKafka, withAdmin, type Kafka } from '#test/tools/kafka.ts';
import { testDatabase } from '#test/tools/postgres.ts';
import { startRelay } from '#workers/relay/relay.ts';
import { Partitioners, type Kafka as Client } from 'kafkajs';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { eventRecord } from '../event-record.ts';
import { kafkaSource } from './event-source.ts';

const logger = pino({ level: 'silent' });

let kafka: Kafka;
let client: Client;
let database: Awaited<ReturnType<typeof testDatabase>>;
let under: LogUnderTest;
let source: Pick<EventLog, 'subscribe'>;
const stops: Array<() => Promise<void>> = [];

/** A relay of the log under test, and what reads from Kafka what it sends. */
function throughKafka(): Pick<EventLog, 'subscribe'> {
  const stored = openPostgresStoredEvents(under.pool);
  const settings = settingsOf(kafka);
  const relay = startRelay({ kafka: client, source: stored, pool: under.pool, settings, logger });
  stops.push(async () => {
    await relay.stop();
    await stored.close();
  });
  return kafkaSource({ kafka: client, settings, codec: openCodec(under.keys), log: under.log, name: 'test', logger });
}

interface Followed {
  readonly events: RecordedEvent[];
  readonly batches: number[];
  upTo: bigint;
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

function follow(options: Partial<Parameters<EventLog['subscribe']>[0]> = {}): Followed {
  const events: RecordedEvent[] = [];
  const batches: number[] = [];
  const subscription = source.subscribe({
    after: 0n,
    ...options,
    async handle(batch, upTo) {
      events.push(...batch);
      batches.push(batch.length);
      await options.handle?.(batch, upTo);
      followed.upTo = upTo;
    },
  });
  const followed: Followed = { events, batches, upTo: 0n, ended: subscription.ended, stop: () => subscription.stop() };
  stops.unshift(() => subscription.stop());
  return followed;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10);
}

async function reached(followed: Followed): Promise<void> {
  const head = await under.log.head();
  await until(() => followed.upTo >= head);
}

async function append(count: number, categories: readonly string[] = ['node', 'tenant', 'backup']): Promise<void> {
  const one = (n: number) => {
    const category = categories[n % categories.length] ?? 'node';
    return under.log.append(appendOf([`${category}-${n % 12}`, 'any', said(`reason ${n}`)]));
  };
  await Promise.all(Array.from({ length: count }, (_, n) => one(n)));
}

async function all(): Promise<RecordedEvent[]> {
  const events = [];
  for await (const batch of under.log.readAll({ after: 0n })) events.push(...batch);
  return events;
}

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

describe.each(['postgres', 'kafka'] as const)('a subscription by way of %s', (transport) => {
  beforeEach(() => {
    source = transport === 'postgres' ? under.log : throughKafka();
  });

  test('gives the history and then what comes, each event once, in the one order, whole', async () => {
    await append(700);
    const followed = follow({ batchSize: 100 });
    await until(() => followed.events.length >= 300);
    await append(700);
    await reached(followed);
    expect(followed.events).toEqual(await all());
    expect(Math.max(...followed.batches)).toBeLessThanOrEqual(100);
  });

  test('begins after any position', async () => {
    await append(300);
    const [middle, end] = [follow({ after: 150n }), follow({ after: 300n })];
    await reached(middle);
    expect(middle.events).toEqual((await all()).slice(150));
    await append(1);
    await reached(end);
    expect(end.events.map(({ position }) => position)).toEqual([301n]);
  });

  test('passes over what a filter leaves out, and tells how far it looked', async () => {
    await append(90);
    const nodes = follow({ filter: { categories: ['node'] } });
    const none = follow({ filter: { categories: ['restore'] } });
    const types = follow({ filter: { types: ['NodeStopped'] } });
    const tenants = follow({ filter: { tenantId: 'tnt_1', categories: ['tenant', 'backup'] } });
    for (const one of [nodes, none, types, tenants]) await reached(one);
    const events = await all();
    expect(nodes.events).toEqual(events.filter(({ stream }) => stream.startsWith('node-')));
    expect(none.events).toEqual([]);
    expect(types.events).toEqual([]);
    expect(tenants.events).toEqual(events.filter(({ stream }) => !stream.startsWith('node-')));
    expect(nodes.upTo).toBe(90n);
  });

  test('sees a category that did not exist when it began', async () => {
    await append(10, ['node']);
    const followed = follow();
    await reached(followed);
    await append(10, ['restore', 'manager']);
    await append(10, ['node']);
    await reached(followed);
    expect(followed.events).toEqual(await all());
  });

  test('halts loudly where its handler fails, and ends when it is stopped', async () => {
    await append(50);
    const failing = follow({ batchSize: 10, handle: () => Promise.reject(new Error('poison')) });
    await expect(failing.ended).rejects.toThrow('poison');
    expect(failing.events).toHaveLength(10);
    const stopped = follow();
    await reached(stopped);
    await stopped.stop();
    await stopped.ended;
    await append(5);
    await sleep(300);
    expect(stopped.events).toHaveLength(50);
  });

  test('keeps its order with many writers at once and a reader that is slow', async () => {
    const followed = follow({ batchSize: 50, handle: () => sleep(5) });
    await Promise.all(Array.from({ length: 10 }, () => append(150)));
    await reached(followed);
    expect(followed.events.map(({ position }) => position)).toEqual(
      Array.from({ length: 1500 }, (_, n) => BigInt(n + 1)),
    );
  });
});

describe('Kafka in trouble', () => {
  beforeEach(() => {
    source = throughKafka();
  });

  test('a broker that is killed and comes back leaves no gap and no repeat', async () => {
    await append(500);
    const followed = follow({ batchSize: 50, handle: () => sleep(2) });
    await until(() => followed.events.length >= 100);
    await kafka.stop('SIGKILL');
    await append(500);
    await kafka.start();
    await reached(followed);
    expect(followed.events).toEqual(await all());
  });

  test('a group that somebody else joins and leaves again goes on where it was', async () => {
    await append(200);
    const followed = follow({ batchSize: 20, handle: () => sleep(2) });
    await until(() => followed.events.length >= 50);
    const { groups } = await withAdmin(client, (admin) => admin.listGroups());
    const group = groups.find(({ groupId }) => groupId.startsWith('miniredis-test-'))?.groupId ?? '';
    const intruder = client.consumer({ groupId: group });
    await intruder.connect();
    await intruder.subscribe({ topics: [/^miniredis\./], fromBeginning: true });
    const joined = new Promise<void>((resolve) => void intruder.on('consumer.group_join', () => resolve()));
    await intruder.run({ autoCommit: false, eachMessage: () => Promise.resolve() });
    await joined;
    await append(200);
    await sleep(500);
    await intruder.disconnect();
    await reached(followed);
    expect(followed.events).toEqual(await all());
  });

  test('what a zombie writes under an old epoch is not believed', async () => {
    await append(20);
    const followed = follow();
    await reached(followed);
    const [real] = await storedUpToNow(openPostgresStoredEvents(under.pool));
    if (real === undefined) throw new Error('The log is empty.');
    const partitions = [0, 1, 2];
    const forged = { ...real, position: 1000n, eventId: '00000000-0000-4000-8000-000000000000' };
    const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    const messages = partitions.map((partition) => ({ ...eventRecord(forged, 0n), partition }));
    await producer.send({ topic: 'miniredis.node.v1', messages });
    await producer.disconnect();
    await append(20);
    await reached(followed);
    expect(followed.events).toEqual(await all());
  });
});
