import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { parseSettings, withAddresses, type Config } from '#infra/config/config.ts';
import { openPostgresStoredEvents } from '#infra/event-log/postgres/stored.ts';
import { appendOf, openLog, said } from '#infra/event-log/testing/log-under-test.ts';
import { storedUpToNow } from '#infra/event-log/testing/stored-up-to-now.ts';
import { clientOf, startKafka, type Kafka } from '#test/tools/kafka.ts';
import { testDatabase } from '#test/tools/postgres.ts';
import { until } from '#test/tools/read-side.ts';
import { epochsOf, everythingRelayed, seenByTheRules } from '#test/tools/relayed.ts';
import { startWorkerProcess, type WorkerProcess } from '#test/integration/worker-process.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';

let kafka: Kafka;
let home: string;

beforeAll(async () => {
  [kafka, home] = await Promise.all([startKafka(), mkdtemp(path.join(tmpdir(), 'miniredis-relay-'))]);
});
afterAll(async () => {
  await kafka?.close();
  await rm(home, { recursive: true, force: true });
});

function configFor(databaseUrl: string): Config {
  const parsed = parseSettings({ MINIREDIS_HOME: home, KAFKA_BROKERS: kafka.brokers });
  if (!parsed.ok) throw new Error(parsed.problems.join('\n'));
  return withAddresses(parsed.settings, databaseUrl, '127.0.0.1:1');
}

const patience_ms = 60_000;

test('a relay that is frozen is replaced when its lease is over; when it wakes up it changes nothing and stands by', async () => {
  const database = await testDatabase();
  const under = openLog(database.url);
  const config = configFor(database.url);
  const detailOf = async (relay: WorkerProcess) => (await relay.readiness()).detail;
  const isActive = async (relay: WorkerProcess) => (await detailOf(relay))['active'] === true;
  const done = new AbortController();
  const first = await startWorkerProcess('relay', config);
  await until(() => isActive(first), 'the first is active', patience_ms);
  const second = await startWorkerProcess('relay', config);
  try {
    let recorded = 0;
    const writer = (async () => {
      while (!done.signal.aborted) {
        const number = (recorded += 1);
        await under.log.append(appendOf([`node-${number % 7}`, 'any', said(`reason ${number}`)]));
      }
    })();
    await until(async () => Number((await detailOf(first))['position']) > 100, 'the first relays', patience_ms);
    process.kill(first.pid, 'SIGSTOP');
    await until(() => isActive(second), 'the second takes over', patience_ms);
    const before = recorded;
    await until(async () => Number((await detailOf(second))['position']) > before, 'and relays', patience_ms);
    process.kill(first.pid, 'SIGCONT');
    await until(async () => !(await isActive(first)), 'the first stands by', patience_ms);
    done.abort();
    await writer;
    const head = await under.log.head();
    await until(async () => (await detailOf(second))['position'] === String(head), 'all is relayed', patience_ms);
    expect(await detailOf(second)).toMatchObject({ epoch: '2', problem: null, lag_events: 0, lag_ms: 0 });

    const { events, watermarks } = await everythingRelayed(clientOf(kafka));
    expect(seenByTheRules(events)).toEqual(await storedUpToNow(openPostgresStoredEvents(under.pool)));
    expect(epochsOf(events)).toEqual(new Set([1n, 2n]));
    expect(watermarks.at(-1)).toMatchObject({ epoch: 2n, position: head });
  } finally {
    done.abort();
    await Promise.all([first.kill(), second.kill()]);
    await under.close();
    await database.drop();
  }
});
