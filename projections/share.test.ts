import { appendsOf, wishes } from '#test/tools/histories.ts';
import { appendAll, openReadSide, type ReadSide } from '#test/tools/read-side.ts';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { ensureViews, readCheckpoints } from './kernel/checkpoints.ts';
import { withSideTable } from './kernel/side-table.ts';
import { fillPart } from './kernel/fill.ts';
import { sharedByThreads } from './share.ts';
import { allViews } from './views.ts';

let side: ReadSide;
beforeEach(async () => {
  side = await openReadSide();
  vi.stubEnv('DATABASE_URL', side.url);
  vi.stubEnv('MASTER_KEY_FILE', side.masterKeyFile);
  const wanted = fc.sample(wishes({ minLength: 300, maxLength: 300 }), { seed: 7, numRuns: 1 })[0] ?? [];
  await appendAll(side.log, appendsOf(wanted));
  const client = await side.pool.connect();
  await ensureViews(client, allViews).finally(() => client.release());
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await side.close();
});

const rowsOf = async (table: string) =>
  (await side.pool.query<{ row: unknown }>(`SELECT to_jsonb(t) AS row FROM ${table} t ORDER BY 1`)).rows;

test('several threads fill a table with what one hand fills it with', async () => {
  const to = await side.log.head();
  for (const view of allViews) {
    const alone = await withSideTable(side.pool, view, async (client, { table }) => {
      await fillPart(client, side.log, { view, table, after: 0n, to }, {});
      return rowsOf(table);
    });
    const seen: bigint[] = [];
    const shared = await withSideTable(side.pool, view, async (_client, { table }) => {
      const progress = (position: bigint) => seen.push(position);
      await sharedByThreads(3)({ view, table, after: 0n, to }, { progress });
      return rowsOf(table);
    });
    expect(shared, view.name).toEqual(alone);
    expect(seen.every((position) => position <= to)).toBe(true);
  }
});

test('a thread that fails fails the whole, and an interrupted one ends', async () => {
  const to = await side.log.head();
  const [view] = allViews;
  if (view === undefined) throw new Error('there are no views');
  await expect(sharedByThreads(2)({ view, table: 'views.not_there', after: 0n, to }, {})).rejects.toThrow(/not_there/);
  const stop = AbortSignal.abort(new Error('enough'));
  await expect(sharedByThreads(2)({ view, table: 'views.x', after: 0n, to }, { signal: stop })).rejects.toThrow(
    'enough',
  );
  expect((await readCheckpoints(side.pool)).every(({ position }) => position === 0n)).toBe(true);
});
