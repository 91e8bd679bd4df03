import { setTimeout as sleep } from 'node:timers/promises';

import { openStore, type EventStoreUnderTest, type OpenOptions } from '#test/tools/eventstore-log.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Append, AppendResult, EventLog } from '../event-log.ts';
import { LogUnavailable } from '../log-unavailable.ts';
import { expectSound } from '../testing/contract/appending.ts';
import { eventsAfter, fresh, until, type OpenedLog } from '../testing/contract/store.ts';
import { appendOf, said } from '../testing/log-under-test.ts';
import type { Fate } from './testing/server/calls.ts';
import { startTestServer, type TestServer } from './testing/server/start.ts';

// Here a server must fail at given moments, which only the test server does.
const real = (process.env['EVENTSTORE_URL'] ?? '') !== '';

describe.skipIf(real)('a process that dies', () => {
  let store: EventStoreUnderTest;
  let server: TestServer;
  const opened: OpenedLog[] = [];
  const open = (options: OpenOptions = {}): EventLog => {
    const one = store.open({ graceMs: 100, ...options });
    opened.push(one);
    return one.log;
  };

  beforeAll(async () => {
    store = await openStore();
    if (store.server === undefined) throw new Error('There is no test server.');
    ({ server } = store);
  });
  afterAll(async () => {
    server.meddle(() => 'serve');
    await Promise.all(opened.map((one) => one.close()));
    await store.drop();
  });

  /** Lets a process die at its n-th call: before the server has done it, or after, but before the answer is there. */
  function dieAt(connectionName: string, call: number, how: Exclude<Fate, 'serve'>): () => number {
    let calls = 0;
    server.meddle(({ connection }) => {
      if (connection !== connectionName) return 'serve';
      calls += 1;
      if (calls === call) return how;
      return calls > call ? 'refuse' : 'serve';
    });
    return () => calls;
  }

  /** Two streams that are there, a new one, a pin and a record: whatever an append may be made of. */
  async function prepared(log: EventLog): Promise<Append> {
    const [tenant, shared, own] = [fresh('tenant'), fresh('node'), fresh('node')];
    await log.append(appendOf([tenant, 'no-stream', said('t0')], [shared, 'no-stream', said('s0')]));
    return appendOf(
      [tenant, 0],
      [shared, 0, said('s1'), said('s2')],
      [own, 'no-stream', said('o0')],
      [fresh('command'), 'no-stream', said('record')],
    );
  }

  async function callsOfOneAppend(): Promise<number> {
    const append = await prepared(open());
    const calls = dieAt('whole', Infinity, 'refuse');
    await open({ connectionName: 'whole' }).append(append);
    return calls();
  }

  test.each(['refuse', 'lose-answer'] as const)(
    'in the middle of an append, at whichever call (%s), leaves all of it or nothing, and nobody waits for long',
    async (how) => {
      const calls = await callsOfOneAppend();
      expect(calls).toBeGreaterThan(8);
      const fates = new Set<boolean>();
      for (let call = 1; call <= calls; call += 1) {
        const log = open();
        const start = await log.head();
        const append = await prepared(log);
        const streams = append.streams.map(({ stream }) => stream);
        const name = `victim-${how}-${call}`;
        dieAt(name, call, how);
        const victim = open({ connectionName: name, patienceMs: 30 });
        await expect(victim.append(append)).rejects.toThrow(LogUnavailable);

        // Whoever looks now sees a whole or nothing, in streams and in the log, before and after somebody had to clean up.
        const seen = async () => (await Promise.all(streams.map((stream) => log.readStream(stream)))).flat().length;
        const before = await seen();
        expect([2, 6]).toContain(before);
        const other = await open().append(appendOf([streams[1] ?? '', 'any', said('another')]));
        expect(other.ok).toBe(true);
        const counted = (await seen()) - 1;
        expect(counted).toBe(before);
        fates.add(counted === 6);
        // The same command once more, by another process: it is done exactly once, or meets the change made meanwhile.
        const again = await open().append(append);
        if (counted === 6) expect(again).toMatchObject({ ok: true, repeated: true });
        else expect(again).toMatchObject({ ok: false, conflict: 'version', actual: 1 });
        expect(await seen()).toBe(counted + 1);
        await expectSound(log, start, [other, again]);
      }
      // Some died before the decision and, where answers get lost, one right behind it.
      expect(fates.has(false)).toBe(true);
      expect(fates.has(true)).toBe(how === 'lose-answer');
    },
  );

  test('among many others that write to the same streams: everything acknowledged is there, once and whole', async () => {
    const log = open();
    const start = await log.head();
    const shared = [fresh('node'), fresh('node'), fresh('node')];
    const dead = new Set<string>();
    let deaths = 0;
    server.meddle(({ connection }) => {
      if (!connection.startsWith('mortal')) return 'serve';
      if (dead.has(connection)) return 'refuse';
      if (deaths >= 25 || Math.random() > 0.02) return 'serve';
      deaths += 1;
      dead.add(connection);
      return Math.random() < 0.5 ? 'refuse' : 'lose-answer';
    });
    let processes = 0;
    const results: AppendResult[] = [];
    const uids = new Map<string, number>();
    const follower: string[] = [];
    const subscription = open().subscribe({
      after: start,
      batchSize: 9,
      async handle(batch) {
        follower.push(...batch.map(({ eventId }) => eventId));
      },
    });

    async function writer(n: number): Promise<void> {
      const born = () => open({ connectionName: `mortal-${(processes += 1)}`, patienceMs: 50 });
      let mine = born();
      for (let k = 0; k < 15; k += 1) {
        const [one = '', two = ''] = shared.toSorted(() => Math.random() - 0.5);
        const append = appendOf(
          [one, 'any', said(`${n} ${k}`)],
          [two, 'exists'],
          [fresh('command'), 'no-stream', said(`${n} ${k}`)],
        );
        for (;;) {
          try {
            const result = await mine.append(append);
            results.push(result);
            if (result.ok) uids.set(append.commandUid, 2);
            break;
          } catch (error) {
            if (!(error instanceof LogUnavailable)) throw error;
            mine = born();
          }
        }
      }
    }
    await Promise.all(shared.map((stream) => log.append(appendOf([stream, 'no-stream', said('first')]))));
    await Promise.all(Array.from({ length: 6 }, (_, n) => writer(n)));
    expect(deaths).toBeGreaterThan(5);
    expect(results.filter(({ ok }) => ok).length).toBe(90);
    await expectSound(log, start, results);
    const events = await eventsAfter(log, start);
    expect(events.length).toBe(3 + 2 * 90);
    expect(new Set(events.map(({ eventId }) => eventId)).size).toBe(events.length);
    await until(() => follower.length >= events.length);
    expect(follower).toEqual(events.map(({ eventId }) => eventId));
    await subscription.stop();
  });

  test('and comes back too late for its decision starts over, unnoticed by its caller', async () => {
    const log = open();
    const start = await log.head();
    const stream = fresh('node');
    let held = true;
    server.meddle(({ connection, method, stream: on }) =>
      held && connection === 'slow' && method !== 'read' && on.startsWith('decision-') ? 'refuse' : 'serve',
    );
    const slow = open({ connectionName: 'slow' }).append(
      appendOf([stream, 'any', said('slow')], [fresh('command'), 'any', said('r')]),
    );
    await until(async () => server.journal.all.some((record) => record.stream === stream));
    // Whoever meets the undecided event waits for a while, then decides in its place.
    expect(await log.append(appendOf([stream, 'no-stream', said('quick')]))).toMatchObject({ ok: true });
    held = false;
    const result = await slow;
    expect(result).toMatchObject({ ok: true, repeated: false });
    expect((await log.readStream(stream)).map(({ data }) => (data as { reason: string }).reason)).toEqual([
      'quick',
      'slow',
    ]);
    await expectSound(log, start, [result]);
  });

  test('holds up those who follow the log no longer than until its append is given up', async () => {
    const log = open();
    const start = await log.head();
    const [stream, other] = [fresh('node'), fresh('node')];
    dieAt('gone', 5, 'refuse');
    const victim = open({ connectionName: 'gone', patienceMs: 30 });
    await expect(
      victim.append(appendOf([stream, 'any', said('1')], [fresh('node'), 'any', said('2')])),
    ).rejects.toThrow(LogUnavailable);
    expect(server.journal.all.some((record) => record.stream === stream)).toBe(true);
    await log.append(appendOf([other, 'any', said('behind it')]));
    expect((await eventsAfter(log, start)).map((event) => event.stream)).toEqual([other]);
    expect(await log.readStream(stream)).toEqual([]);
  });
});

test.skipIf(real)(
  'a server that restarts costs nothing but time: appends go on, readers miss and repeat nothing',
  async () => {
    const first = await startTestServer();
    const { openEventStoreEventLog } = await import('./log.ts');
    const { jsonCodec } = await import('../json-codec.ts');
    const log = openEventStoreEventLog({ url: first.url, codec: jsonCodec });
    const seen: string[] = [];
    const subscription = log.subscribe({
      after: 0n,
      batchSize: 5,
      async handle(batch) {
        seen.push(...batch.map(({ eventId }) => eventId));
      },
    });
    const stream = fresh('node');
    const results: AppendResult[] = [];
    const writing = (async () => {
      for (let n = 0; n < 60; n += 1) {
        results.push(await log.append(appendOf([stream, n === 0 ? 'no-stream' : n - 1, said(`${n}`)])));
        await sleep(5);
      }
    })();
    let server = first;
    for (let round = 0; round < 3; round += 1) {
      await sleep(120);
      await server.close();
      await sleep(50);
      server = await startTestServer({ port: first.port, journal: first.journal });
    }
    await writing;
    expect(results.every((result) => result.ok && !result.repeated)).toBe(true);
    const events = await eventsAfter(log, 0n);
    expect(events.map(({ version }) => version)).toEqual(Array.from({ length: 60 }, (_, n) => n));
    await until(() => seen.length >= 60);
    expect(seen).toEqual(events.map(({ eventId }) => eventId));
    await subscription.stop();
    await log.close();
    await server.close();
  },
);
