import { setTimeout as sleep } from 'node:timers/promises';

import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import { describe, expect, test } from 'vitest';

import type { EventLog, ReadFilter } from '../../event-log.ts';
import { appendOf, metadata, said } from '../log-under-test.ts';
import { eventsAfter, fresh, freshCategory, until, type OpenLog } from './store.ts';

/** So many writers, each making so many appends over a stream of its own and one that all share. */
async function write(log: EventLog, shared: string, writers: number, each: number): Promise<void> {
  await Promise.all(
    Array.from({ length: writers }, async () => {
      const own = fresh('node');
      for (let n = 0; n < each; n += 1)
        await log.append(appendOf([own, 'any', said('own')], [shared, 'any', said('shared')]));
    }),
  );
}

/** What every log does for those who follow it. */
export function following(open: OpenLog): void {
  test('from wherever a reader begins, it gets each event once and in order, from the past into the present', async () => {
    const [log, other] = [open(), open()];
    const shared = fresh('node');
    const start = await log.head();
    await write(log, shared, 2, 10);
    const past = await eventsAfter(log, start);
    const seen = new Map<bigint, RecordedEvent[]>();
    const begins = [start, past[7]?.position ?? 0n, past.at(-1)?.position ?? 0n];
    const subscriptions = begins.map((after, n) => {
      const events: RecordedEvent[] = [];
      seen.set(after, events);
      return (n % 2 === 0 ? log : other).subscribe({
        after,
        batchSize: 7,
        async handle(batch, upTo) {
          expect(batch.length).toBeLessThanOrEqual(7);
          events.push(...batch);
          if (batch.length > 0) expect(upTo).toBeGreaterThanOrEqual(batch.at(-1)?.position ?? 0n);
          await sleep(Math.random() * 3);
        },
      });
    });
    await Promise.all([write(log, shared, 3, 10), write(other, shared, 3, 10)]);
    const all = await eventsAfter(log, start);
    expect(all.length).toBe(160);
    for (const [after, events] of seen) {
      const expected = all.filter(({ position }) => position > after);
      await until(() => events.length >= expected.length);
      expect(events).toEqual(expected);
    }
    await Promise.all(subscriptions.map((subscription) => subscription.stop()));
    for (const { ended } of subscriptions) await ended;
  });

  describe('a filter', () => {
    const [one, two] = [freshCategory(), freshCategory()];
    const filters: [filter: ReadFilter, expected: (event: RecordedEvent) => boolean][] = [
      [{ categories: [two] }, ({ stream }) => stream.startsWith(two)],
      [{ tenantId: 'tnt_even' }, (event) => event.metadata.tenantId === 'tnt_even'],
      [{ types: ['TenantResumed'] }, ({ type }) => type === 'TenantResumed'],
      [
        { categories: [one, 'backup'], tenantId: 'tnt_even' },
        (event) => event.stream.startsWith(one) && event.metadata.tenantId === 'tnt_even',
      ],
      [{ categories: ['backup'] }, () => false],
      [{ categories: [] }, () => false],
    ];
    test.each(filters)('%j passes what it names, and tells how far the log was looked at', async (filter, wanted) => {
      const log = open();
      const start = await log.head();
      const seen: RecordedEvent[] = [];
      let reached = start;
      const subscription = log.subscribe({
        after: start,
        filter,
        batchSize: 3,
        async handle(batch, upTo) {
          for (const { position } of batch) {
            expect(position).toBeGreaterThan(reached);
            expect(position).toBeLessThanOrEqual(upTo);
          }
          seen.push(...batch);
          expect(upTo).toBeGreaterThan(reached);
          reached = upTo;
        },
      });
      for (let n = 0; n < 10; n += 1) {
        const resumed = { type: 'TenantResumed', data: { tenantId: 'tnt_1' } };
        const append = appendOf([`${one}-${n}`, 'any', said('n')], [`${two}-${n}`, 'any', resumed]);
        await log.append({ ...append, metadata: { ...metadata, tenantId: n % 2 === 0 ? 'tnt_even' : null } });
      }
      const head = await log.head();
      await until(() => reached >= head);
      expect(seen).toEqual((await eventsAfter(log, start)).filter(wanted));
      await subscription.stop();
      await subscription.ended;
    });
  });

  test('a checkpoint is good to go on from, wherever it was taken', async () => {
    const log = open();
    const start = await log.head();
    await write(log, fresh('node'), 4, 10);
    const all = await eventsAfter(log, start);
    const seen: RecordedEvent[] = [];
    let checkpoint = start;
    while (seen.length < all.length) {
      let done = (): void => {};
      const one = new Promise<void>((resolve) => {
        done = resolve;
      });
      const subscription = log.subscribe({
        after: checkpoint,
        batchSize: 11,
        async handle(batch, upTo) {
          seen.push(...batch);
          checkpoint = upTo;
          done();
        },
      });
      await one;
      await subscription.stop();
    }
    expect(seen).toEqual(all);
  });

  test('a handler that fails ends its subscription with its error, and no other', async () => {
    const log = open();
    const start = await log.head();
    const seen: RecordedEvent[] = [];
    const healthy = log.subscribe({
      after: start,
      async handle(batch) {
        seen.push(...batch);
      },
    });
    let handled = 0;
    const failing = log.subscribe({
      after: start,
      batchSize: 1,
      async handle(batch) {
        handled += batch.length;
        if (handled === 3) throw new Error('can not apply event 3');
      },
    });
    await write(log, fresh('node'), 1, 5);
    await expect(failing.ended).rejects.toThrow('can not apply event 3');
    await until(() => seen.length === 10);
    await failing.stop();
    await healthy.stop();
  });

  test('batches come one at a time, and stop waits for the one in hand', async () => {
    const log = open();
    const start = await log.head();
    await write(log, fresh('node'), 1, 10);
    let [running, most, finished] = [0, 0, 0];
    const subscription = log.subscribe({
      after: start,
      batchSize: 5,
      async handle() {
        running += 1;
        most = Math.max(most, running);
        await sleep(50);
        running -= 1;
        finished += 1;
      },
    });
    await until(() => finished === 1 && running === 1);
    await subscription.stop();
    expect([running, most, finished]).toEqual([0, 1, 2]);
    await sleep(100);
    expect(finished).toBe(2);
  });

  test('closing the log stops its subscriptions', async () => {
    const log = open();
    const subscription = log.subscribe({ after: await log.head(), handle: async () => {} });
    await sleep(50);
    await log.close();
    await subscription.ended;
    expect(() => log.subscribe({ after: 0n, handle: async () => {} })).toThrow('closed');
  });
}
