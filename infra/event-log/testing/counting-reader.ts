/**
 * A process that reads a log to its end and prints how many events it saw, all and those that a filter lets through:
 * `node counting-reader.ts <database url> <folder of objects>`. Whoever starts it gives it a small heap.
 */
import { openDirectoryStore } from '#infra/object-store/directory.ts';

import { openLog } from './log-under-test.ts';

const [url = '', folder = ''] = process.argv.slice(2);
const under = openLog(url, { notify: false, objects: await openDirectoryStore(folder) });
const counts = { all: 0, filtered: 0 };
for await (const batch of under.log.readAll({ after: 0n, batchSize: 1_000 })) counts.all += batch.length;
const filter = { categories: ['node'], tenantId: 'tnt_3' };
for await (const batch of under.log.readAll({ after: 0n, filter })) counts.filtered += batch.length;
console.log(JSON.stringify(counts));
await under.close();
