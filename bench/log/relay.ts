/** The relay to Kafka: how fast it fills empty topics from a long log, whether its memory grows, and how late an event is at a consumer. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openPostgresStoredEvents } from '#infra/event-log/postgres/stored.ts';
import { metadata, openLog } from '#infra/event-log/testing/log-under-test.ts';
import { kafkaClient } from '#infra/kafka/client.ts';
import { eventTopic } from '#infra/kafka/topics.ts';
import { settingsOf, startKafka } from '#test/tools/kafka.ts';
import { startRelay, type RunningRelay } from '#workers/relay/relay.ts';
import type { Kafka } from 'kafkajs';
import { pino } from 'pino';
import { v4 as uuidv4 } from 'uuid';
import { percentile, type BenchOptions, type Print } from '../tools/figure.ts';
import { eventsEach, loadLifecycles } from './lifecycles.ts';
import { newNode } from './sample.ts';
import { startServer } from './server.ts';
import { ourDatabase } from './store.ts';

const logger = pino({ level: 'silent' });
const eventsPerSecond = 1000;
const megabyte = 2 ** 20;

export async function benchRelay(print: Print, { quick }: BenchOptions): Promise<void> {
  const events = quick ? 100_000 : 1_000_000;
  const [server, kafka] = await Promise.all([startServer(), startKafka()]);
  const url = await ourDatabase(server);
  await loadLifecycles(url, 0, events / eventsEach);
  const under = openLog(url, { max: 10 });
  const settings = settingsOf(kafka);
  const client = kafkaClient(settings, 'bench', logger);
  const source = openPostgresStoredEvents(under.pool);
  const relay = startRelay({ kafka: client, source, pool: under.pool, settings, logger });
  const alone = (name: string, ours: number, unit: string) => print({ name, peer: null, ours, theirs: null, unit });
  try {
    // The first tenth is not counted: topics are made, and the process takes what it needs.
    await relayed(relay, events / 10);
    const [began, first_bytes] = [performance.now(), process.memoryUsage.rss()];
    await relayed(relay, events);
    alone('relay.rate', (events * 0.9 * 1000) / (performance.now() - began), 'events/s');
    alone('relay.memory.growth', (process.memoryUsage.rss() - first_bytes) / megabyte, 'MB');
    const delays = await delaysOf(client, under, quick ? 3 : 20);
    for (const share of [0.5, 0.99]) alone(`relay.latency.p${share * 100}`, percentile(delays, share), 'ms');
  } finally {
    await relay.stop();
    await source.close();
    await under.close();
    await Promise.all([server.stop(), kafka.close()]);
  }
}

async function relayed(relay: RunningRelay, position: number): Promise<void> {
  while (relay.status().position < BigInt(position)) await sleep(5);
}

/** Milliseconds from an event's time to a consumer's having it, while so many are appended a second. */
async function delaysOf(client: Kafka, { log }: ReturnType<typeof openLog>, seconds: number): Promise<number[]> {
  const delays: number[] = [];
  const consumer = client.consumer({ groupId: 'bench', maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topics: [eventTopic('node')], fromBeginning: false });
  const joined = new Promise<void>((resolve) => void consumer.on('consumer.group_join', () => resolve()));
  await consumer.run({
    autoCommit: false,
    eachBatch: ({ batch: { messages } }) => {
      const now = Date.now();
      for (const { timestamp } of messages) delays.push(now - Number(timestamp));
      return Promise.resolve();
    },
  });
  await joined;
  await sleep(1000);
  delays.length = 0;
  const total = seconds * eventsPerSecond;
  const began = performance.now();
  const appends: Promise<unknown>[] = [];
  for (let n = 0; n < total / 2; n += 1) {
    const due = began + (n * 2000) / eventsPerSecond;
    if (due > performance.now()) await sleep(due - performance.now());
    const { stream, events } = newNode();
    const streams = [{ stream, expectedVersion: 'no-stream', events } as const];
    appends.push(log.append({ commandUid: uuidv4(), metadata, streams }));
  }
  await Promise.all(appends);
  while (delays.length < total) await sleep(10);
  await consumer.disconnect();
  return delays.slice(Math.floor(total / 10));
}
