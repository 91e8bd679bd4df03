import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { freePort } from '#infra/local/free-port.ts';
import { launchPostmaster, urlOf } from '#infra/local/postgres/postmaster.ts';
import { preparePostgres } from '#infra/local/postgres/prepare.ts';
import { migrate } from '#infra/postgres/migrate.ts';
import { expect, test } from 'vitest';

import { appendOf, openLog, said } from '../testing/log-under-test.ts';
import { flawsOf } from '../testing/sound-log.ts';

/** A server of this test's own, since it kills it. Starting it again includes clearing away what the killed one left. */
async function startServer(home: string, port: number) {
  const options = await preparePostgres(home, port);
  const output = openSync(path.join(home, 'postgres.log'), 'a');
  const server = launchPostmaster(options, output);
  closeSync(output);
  await server.ready;
  return { server, url: urlOf(options, 'postgres') };
}

test('PostgreSQL is killed with -9 under load, again and again: writers and readers go on, nothing is lost or doubled', async () => {
  const home = mkdtempSync(path.join(tmpdir(), 'log-restart-'));
  const port = await freePort();
  let { server, url } = await startServer(home, port);
  const done = new AbortController();
  try {
    await migrate(url);
    const [writer, reader] = [openLog(url), openLog(url)];
    const seen: bigint[] = [];
    reader.log.subscribe({
      after: 0n,
      async handle(batch) {
        seen.push(...batch.map(({ position }) => position));
      },
    });
    const acknowledged: { stream: string; position: bigint }[] = [];
    const callers = Promise.all(
      Array.from({ length: 30 }, async (_, caller) => {
        for (let n = 0; !done.signal.aborted; n += 1) {
          const stream = `node-${caller}-${n}`;
          const result = await writer.log.append(appendOf([stream, 'no-stream', said('x')]));
          expect(result).toMatchObject({ ok: true, repeated: false });
          if (result.ok) acknowledged.push({ stream, position: result.lastPosition });
          await sleep(1);
        }
      }),
    );
    for (let round = 0; round < 3; round += 1) {
      const before = acknowledged.length;
      await Promise.race([
        callers,
        expect.poll(() => acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(before + 100),
      ]);
      process.kill(server.pid, 'SIGKILL');
      await server.exited;
      ({ server } = await startServer(home, port));
    }
    done.abort();
    await callers;

    const head = await writer.log.head();
    await expect.poll(() => seen.at(-1), { timeout: 10_000 }).toBe(head);
    expect(seen).toEqual(Array.from({ length: Number(head) }, (_, n) => BigInt(n + 1)));
    expect(await flawsOf(writer.pool)).toEqual([]);
    // Every caller had an answer to the end, so what is there is exactly what was acknowledged.
    const { rows } = await writer.pool.query('SELECT stream, position FROM events ORDER BY position');
    expect(rows).toEqual(acknowledged.toSorted((left, right) => Number(left.position - right.position)));
    await Promise.all([writer.close(), reader.close()]);
  } finally {
    done.abort();
    await server.stop();
    rmSync(home, { recursive: true, force: true });
  }
}, 120_000);
