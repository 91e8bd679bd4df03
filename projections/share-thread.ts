/** A thread of `share.ts`: applies what a part of the streams says to a side table. */
import { parentPort, workerData } from 'node:worker_threads';

import { withPlatformLog } from '#infra/local/platform-log.ts';

import { fillPart } from './kernel/fill.ts';
import type { Order, Report } from './share.ts';
import { allViews } from './views.ts';

const { view: name, part, ...stretch } = workerData as Order;
const view = allViews.find((one) => one.name === name);
if (view === undefined) throw new Error(`There is no view ${name}.`);

await withPlatformLog('projections thread', async ({ log, pool }) => {
  const client = await pool.connect();
  try {
    await client.query('SET synchronous_commit = off');
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that of windows; this is a thread's port.
    const progress = (position: Report) => parentPort?.postMessage(position);
    await fillPart(client, log, { ...stretch, view }, { progress }, part);
  } finally {
    client.release(true);
  }
});
