import { setTimeout as sleep } from 'node:timers/promises';

import { testDatabase } from '#test/tools/postgres.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { startFaultyProxy, type FaultyProxy } from '../testing/faulty-proxy.ts';
import { appendOf, openLog, said, type LogUnderTest } from '../testing/log-under-test.ts';
import { flawsOf } from '../testing/sound-log.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let proxy: FaultyProxy;
/** The log whose network is bad. */
let far: LogUnderTest;
/** A log with a good connection, to look and to interfere. */
let near: LogUnderTest;

beforeEach(async () => {
  database = await testDatabase();
  proxy = await startFaultyProxy(database.url);
  far = openLog(proxy.url, { notify: false });
  near = openLog(database.url, { notify: false });
  // Connections, prepared statements: all is in place before anything goes wrong.
  await far.log.append(appendOf(['node-warm', 'any', said('up')]));
});
afterEach(async () => {
  expect(await flawsOf(near.pool)).toEqual([]);
  proxy.setOpen(true);
  await Promise.all([far.close(), near.close()]);
  await proxy.close();
  await database.drop();
});

describe('a connection lost between COMMIT and its answer', () => {
  test.each(['cut', 'hang'] as const)('(%s) does nothing twice, and the caller hears of success', async (how) => {
    const fault = how === 'cut' ? proxy.cutInsteadOfNextAnswer() : proxy.hangInsteadOfNextAnswer();
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, n) => far.log.append(appendOf([`node-${n}`, 'no-stream', said('x')]))),
    );
    await fault;
    expect(results).toEqual(
      results.map((_, n) => ({
        ok: true,
        firstPosition: 2n + BigInt(n),
        lastPosition: 2n + BigInt(n),
        repeated: false,
      })),
    );
    expect(await near.log.head()).toBe(21n);
  });

  test('leaves a repeat a repeat', async () => {
    const append = appendOf(['node-a', 'no-stream', said('x')]);
    const first = await far.log.append(append);
    const fault = proxy.cutInsteadOfNextAnswer();
    expect(await far.log.append(append)).toEqual({ ...first, repeated: true });
    await fault;
  });

  test('leaves a conflict a conflict', async () => {
    const fault = proxy.cutInsteadOfNextAnswer();
    const late = appendOf(['node-warm', 'no-stream', said('x')]);
    expect(await far.log.append(late)).toEqual({ ok: false, conflict: 'version', stream: 'node-warm', actual: 0 });
    await fault;
    expect(await near.log.head()).toBe(1n);
  });
});

test('a server that is away for a while costs time, not results', async () => {
  proxy.setOpen(false);
  const append = far.log.append(appendOf(['node-a', 'no-stream', said('x')]));
  const read = far.log.readStream('node-warm');
  await sleep(1_500);
  proxy.setOpen(true);
  expect(await append).toMatchObject({ ok: true, repeated: false });
  expect((await read).length).toBe(1);
});

test('backends that are killed again and again under load lose and double nothing', async () => {
  const acknowledged: { stream: string; position: bigint }[] = [];
  const done = new AbortController();
  const killer = (async () => {
    let [killed, killedAt] = [0, 0];
    while (!done.signal.aborted) {
      await sleep(5);
      // However slow the machine is: between two strikes something gets done.
      if (acknowledged.length < killedAt + 50) continue;
      killedAt = acknowledged.length;
      const { rowCount } = await near.pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'victim' AND pid <> pg_backend_pid()`,
      );
      killed += rowCount ?? 0;
    }
    return killed;
  })();
  const victims = [1, 2, 3].map(() => openLog(database.url, { name: 'victim', notify: false }));
  try {
    await Promise.all(
      victims.flatMap(({ log }, p) =>
        Array.from({ length: 40 }, async (_, w) => {
          for (let n = 0; n < 25; n += 1) {
            const stream = `node-${p}-${w}-${n}`;
            const result = await log.append(
              appendOf([stream, 'no-stream', said('x')], ['node-hot', 'any', said(stream)]),
            );
            if (!result.ok || result.repeated) throw new Error(`${stream} was not recorded as new`);
            acknowledged.push({ stream, position: result.lastPosition });
          }
        }),
      ),
    );
  } finally {
    done.abort();
  }
  expect(await killer).toBeGreaterThan(30);
  await Promise.all(victims.map((victim) => victim.close()));

  expect(acknowledged.length).toBe(3_000);
  expect(await near.log.head()).toBe(6_001n);
  const hot = new Map((await near.log.readStream('node-hot')).map(({ position, data }) => [position, data]));
  for (const { stream, position } of acknowledged) expect(hot.get(position)).toMatchObject({ reason: stream });
}, 60_000);
