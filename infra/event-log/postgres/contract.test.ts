import { testDatabase } from '#test/tools/postgres.ts';

import { eventLogContract } from '../testing/contract.ts';
import { openLog } from '../testing/log-under-test.ts';

eventLogContract('PostgreSQL', async () => {
  const database = await testDatabase();
  return { open: () => openLog(database.url), drop: () => database.drop() };
});
