import { setTimeout as sleep } from 'node:timers/promises';

import { testDatabase } from '#test/tools/postgres.ts';
import { Client } from 'pg';
import { expect, test } from 'vitest';

import { appendOf, openLog, said } from '../testing/log-under-test.ts';
import { hintChannel, listenerName } from './head-hints.ts';

test('hints are given once another process listens, and not before', async () => {
  const database = await testDatabase();
  const under = openLog(database.url);
  const append = () => under.log.append(appendOf(['node-a', 'any', said('x')]));
  const other = new Client({ connectionString: database.url, application_name: 'somebody else' });
  const hints: unknown[] = [];
  other.on('notification', (hint) => hints.push(hint));
  await other.connect();
  await other.query(`LISTEN ${hintChannel}`);

  for (let n = 0; n < 5; n += 1) await append();
  await sleep(50);
  expect(hints).toEqual([]);

  await other.query(`SET application_name = '${listenerName}'`);
  while (hints.length === 0) {
    await append();
    await sleep(20);
  }
  await other.end();
  await under.close();
  await database.drop();
});
