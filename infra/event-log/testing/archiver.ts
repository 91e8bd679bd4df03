/**
 * A process that archives what is closed, and dies by its own hand before a step:
 * `node archiver.ts <database url> <folder of objects> <step> <how many times the step is passed before>`.
 */
import { openDirectoryStore } from '#infra/object-store/directory.ts';
import { createPool } from '#infra/postgres/pool.ts';

import { archiveNow } from './archived-log.ts';

const [url = '', folder = '', doomed = '', passed = '0'] = process.argv.slice(2);
const pool = createPool(url, { max: 2, name: 'archiver' });
let left = Number(passed);
await archiveNow({
  pool,
  objects: await openDirectoryStore(folder),
  onStep(step) {
    if (step !== doomed) return;
    if (left === 0) process.kill(process.pid, 'SIGKILL');
    left -= 1;
  },
});
await pool.end();
