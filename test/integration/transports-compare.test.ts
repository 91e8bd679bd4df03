import { setTimeout as sleep } from 'node:timers/promises';

import { openSubjectKeys } from '#infra/crypto/subject-keys.ts';
import { loadMasterKey } from '#infra/crypto/master-key.ts';
import { openCodec } from '#infra/event-codec/codec.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import { openPostgresStoredEvents } from '#infra/event-log/postgres/stored.ts';
import { withTransport } from '#infra/kafka/source/with-transport.ts';
import { readCheckpoints } from '#projections/kernel/checkpoints.ts';
import { runProjections } from '#projections/kernel/runner.ts';
import { selectRows } from '#projections/kernel/rows.ts';
import { allViews } from '#projections/views.ts';
import { startRelay } from '#workers/relay/relay.ts';
import * as fc from 'fast-check';
import type { Kafka as Client } from 'kafkajs';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { appendsOf, wishes } from '../tools/histories.ts';
import { clientOf, settingsOf, startKafka, withAdmin, type Kafka } from '../tools/kafka.ts';
import { appendTogether, openReadSide, type ReadSide } from '../tools/read-side.ts';

/** With TRANSPORT_EVENTS=100000 it is the whole of it: `npm run test:nightly` does that. */
const events = Number(process.env['TRANSPORT_EVENTS'] ?? 1500);
const patience_ms = 240_000 + events * 20;
const logger = pino({ level: 'silent' });

let side: ReadSide;
let viaKafka: ReadSide;
let kafka: Kafka;

beforeAll(async () => {
  [side, viaKafka, kafka] = await Promise.all([openReadSide(), openReadSide(), startKafka()]);
});
afterAll(() => Promise.all([side?.close(), viaKafka?.close(), kafka?.close()]));

/** One long history, of which a wish leads to two events or so. */
const history = appendsOf(
  fc.sample(wishes({ minLength: events, maxLength: events }), { seed: 7, numRuns: 1 })[0] ?? [],
);
let recorded = 0;

/** Records the history on, until there are so many events. */
async function record(upTo: number): Promise<void> {
  while ((await side.log.head()) < BigInt(Math.floor(upTo))) {
    await appendTogether(side.log, history.slice(recorded, recorded + 200));
    recorded += 200;
  }
}

async function rowsOf(pool: Pool): Promise<Record<string, unknown>> {
  const tables = allViews.map(async (view) => [view.name, await selectRows(pool, view, 'ORDER BY 1', [])] as const);
  return Object.fromEntries(await Promise.all(tables));
}

async function reached(pool: Pool, head: bigint): Promise<void> {
  for (;;) {
    const checkpoints = await readCheckpoints(pool);
    if (checkpoints.every(({ position }) => position >= head)) return;
    await sleep(50);
  }
}

/** Somebody joins each group that reads, takes half of its partitions away, and leaves again. */
async function disturb(client: Client): Promise<void> {
  const { groups } = await withAdmin(client, (admin) => admin.listGroups());
  for (const { groupId } of groups.filter((group) => group.groupId.startsWith('miniredis-views-'))) {
    const intruder = client.consumer({ groupId });
    await intruder.connect();
    await intruder.subscribe({ topics: [/^miniredis\./] });
    await intruder.run({ autoCommit: false, eachMessage: () => Promise.resolve() });
    await sleep(500);
    await intruder.disconnect();
  }
}

test(
  `all read models are the same after ${events} events by way of PostgreSQL and of Kafka, through restarts and rebalances`,
  async () => {
    const [client, settings] = [clientOf(kafka), settingsOf(kafka)];
    const stored = openPostgresStoredEvents(side.pool);
    const relay = startRelay({ kafka: client, source: stored, pool: side.pool, settings, logger });
    const codec = openCodec(openSubjectKeys(side.pool, await loadMasterKey(side.masterKeyFile)));
    const config = { kafka: settings, streamTransport: 'kafka' } as const;
    const log: EventLog = {
      ...withTransport(side.log, { config, codec, name: 'views', logger }),
      // No view may help itself from PostgreSQL.
      readAll: () => expect.unreachable('the history comes by way of Kafka'),
    };
    const direct = runProjections(side.log, side.pool, allViews, logger);
    const first = runProjections(log, viaKafka.pool, allViews, logger);

    await record(events / 4);
    await kafka.stop('SIGKILL');
    await record(events / 2);
    await kafka.start();
    await record((events * 3) / 4);
    await disturb(client);
    // Another process takes over in the middle.
    const second = runProjections(log, viaKafka.pool, allViews, logger);
    await first.stop();
    await kafka.stop();
    await kafka.start();
    await record(events);

    const head = await side.log.head();
    await Promise.all([reached(side.pool, head), reached(viaKafka.pool, head)]);
    expect(await rowsOf(viaKafka.pool)).toEqual(await rowsOf(side.pool));
    expect(head).toBeGreaterThanOrEqual(BigInt(events));
    await Promise.all([direct.stop(), second.stop()]);
    await relay.stop();
    await stored.close();
  },
  patience_ms,
);
