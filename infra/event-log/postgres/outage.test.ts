import { setTimeout as sleep } from 'node:timers/promises';

import { testDatabase } from '#test/tools/postgres.ts';
import { describe, test } from 'vitest';

import { LogUnavailable } from '../log-unavailable.ts';
import { startFaultyProxy } from '../testing/faulty-proxy.ts';
import { appendOf, openLog, said } from '../testing/log-under-test.ts';

// These wait for real time limits to run out, so they do it side by side.
describe.concurrent('an outage longer than anybody waits', () => {
  test('is an error of its own kind, for writers and readers', async ({ expect }) => {
    const database = await testDatabase();
    const proxy = await startFaultyProxy(database.url);
    const far = openLog(proxy.url, { notify: false });
    await far.log.append(appendOf(['node-warm', 'any', said('up')]));
    proxy.setOpen(false);
    const outcomes = await Promise.allSettled([
      far.log.append(appendOf(['node-a', 'no-stream', said('x')])),
      far.log.readStream('node-warm'),
      far.log.head(),
      far.log.positionAt(new Date()),
    ]);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(LogUnavailable) as unknown });
    }
    proxy.setOpen(true);
    expect(await far.log.head()).toBe(1n);
    await far.close();
    await proxy.close();
    await database.drop();
  });

  test('lets no append happen behind the back of a caller who has given up', async ({ expect }) => {
    const database = await testDatabase();
    const under = openLog(database.url, { notify: false });
    const blocker = await under.pool.connect();
    await blocker.query('BEGIN; SELECT * FROM head FOR UPDATE');
    const outcome = await under.log
      .append(appendOf(['node-a', 'no-stream', said('x')]))
      .catch((error: unknown) => error);
    expect(outcome).toBeInstanceOf(LogUnavailable);
    // The last try may still stand in line on the server; its time runs out there, too.
    await sleep(4_500);
    await blocker.query('COMMIT');
    blocker.release();
    await sleep(200);
    expect(await under.log.head()).toBe(0n);
    await under.close();
    await database.drop();
  });
});
