import { dirname, join } from 'node:path';
import { rm } from 'node:fs/promises';

import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';

import { seeded } from '../conformance/generate.ts';
import { openWire } from '../conformance/wire.ts';
import { Node } from '../keyspace/node.ts';
import { loadAof } from './aof/load.ts';
import { compileTrace, readTrace, writeImage } from './testing/disk-image.ts';
import type { Unsynced } from './testing/disk-image.ts';
import { removeServers, serverFolder, startOurs, startWalServer } from './testing/servers.ts';
import type { RunningServer } from './testing/servers.ts';
import { engine, openLog, removeFolders, serve, strings } from './testing/wal-lab.ts';

/*
 * These tests lose what was written and never synced, as a loss of power does: all that the process does to its files is
 * recorded at the system-call boundary, and the server is started again on what a disk would hold at some moment.
 */
vi.setConfig({ testTimeout: 120_000 });

const CLIENTS = 6;
const RUN_MS = 2500;
const MOMENTS = 18;
/** What `everysec` may lose: a second, and what a busy machine takes to come to the sync. */
const LOSS_MAX_MS = 2000;

let library: string;

beforeAll(async () => {
  library = await compileTrace();
});

afterAll(() => rm(dirname(library), { recursive: true }));

afterEach(async () => {
  await removeServers();
  removeFolders();
});

/** When each number of a client was acknowledged, in order. */
type Acknowledged = number[][];

/** Clients write ascending numbers, each to two keys in a transaction, until the server is gone. */
async function write(server: RunningServer, password?: string): Promise<Acknowledged> {
  const all: Acknowledged = [];
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    const times: number[] = [];
    all.push(times);
    const wire = await openWire(server.port);
    if (password !== undefined) await wire.batch([['AUTH', password]]);
    for (let n = 1; ; n++) {
      const set = ['x', 'y'].map((key) => ['SET', `${key}${client}`, String(n)]);
      const padding = ['SET', `padding ${client} ${n % 40}`, 'p'.repeat(n % 400)];
      const replies = await wire.batch([['MULTI'], ...set, padding, ['EXEC']]).catch(() => undefined);
      if (replies === undefined) return;
      expect(replies.at(-1)).toBe('*3\r\n+OK\r\n+OK\r\n+OK\r\n');
      times.push(Date.now());
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  });
  await Promise.all(clients);
  return all;
}

/** How long before a moment the oldest write was acknowledged that is not there, and whether none is there in part. */
function lossMs(found: Readonly<Record<string, string>>, acknowledged: Acknowledged, atMs: number): number {
  let loss = 0;
  for (const [client, times] of acknowledged.entries()) {
    expect(found[`x${client}`]).toBe(found[`y${client}`]);
    const firstLost = times[Number(found[`x${client}`] ?? 0)];
    // A reply that was read in the same millisecond may have come after the moment.
    if (firstLost !== undefined && firstLost < Math.floor(atMs)) loss = Math.max(loss, atMs - firstLost);
  }
  return loss;
}

/** What is lost at worst over many moments of a run, by what becomes of unsynced writes. */
async function worstLoss(
  trace: string,
  folder: string,
  acknowledged: Acknowledged,
  unsynced: readonly Unsynced[],
  recover: (image: string) => Promise<Record<string, string>>,
): Promise<number> {
  const records = await readTrace(trace);
  expect(records.filter(({ type }) => type === 'W').length).toBeGreaterThan(20);
  const first = Math.max(...acknowledged.map(([time]) => time!));
  const last = records.at(-1)!.timeMs;
  const random = seeded(7);
  let worst = 0;
  for (let moment = 0; moment < MOMENTS; moment++) {
    const atMs = first + ((last - first) * (moment + random())) / MOMENTS;
    const image = await serverFolder();
    const fate = unsynced[moment % unsynced.length]!;
    await writeImage(records, atMs, fate, random, folder, image);
    const found = await recover(image).catch((error: unknown) => {
      throw new Error(`Nothing was recovered at ${atMs - first} ms with unsynced writes ${fate}.`, { cause: error });
    });
    worst = Math.max(worst, lossMs(found, acknowledged, atMs));
  }
  return worst;
}

async function recoverAof(dir: string): Promise<Record<string, string>> {
  const node = new Node({ id: 'recovered' });
  const place = { dir, folderName: 'appendonlydir', fileName: 'appendonly.aof', loadTruncated: true };
  const loaded = await loadAof(place, node, (db, args) => engine.applyJournaled(node, db, args));
  expect(loaded).toBeDefined();
  return strings(node);
}

function traced(folder: string, trace: string): NodeJS.ProcessEnv {
  return { ...process.env, LD_PRELOAD: library, DISK_TRACE_DIR: folder, DISK_TRACE_FILE: trace };
}

test.each(['always', 'everysec'] as const)(
  'append-only files under %s lose what they may and no more',
  async (fsync) => {
    const folder = await serverFolder();
    const trace = join(await serverFolder(), 'trace');
    const args = ['--appendonly', 'yes', '--appendfsync', fsync, '--save', '', '--auto-aof-rewrite-min-size', '300kb'];
    const server = await startOurs(folder, args, traced(folder, trace));
    setTimeout(() => void server.stop(), RUN_MS);
    const acknowledged = await write(server);
    const worst = await worstLoss(trace, folder, acknowledged, ['lost', 'cut'], recoverAof);
    if (fsync === 'always') expect(worst).toBe(0);
    else {
      // Something has to be lost, or this test would see nothing.
      expect(worst).toBeGreaterThan(100);
      expect(worst).toBeLessThan(LOSS_MAX_MS);
    }
  },
);

test('the write-ahead log loses nothing of an always node, and a second of an everysec node', async () => {
  const folder = await serverFolder();
  const trace = join(await serverFolder(), 'trace');
  const server = await startWalServer(folder, traced(folder, trace));
  setTimeout(() => void server.stop(), RUN_MS);
  const [always, everysec] = await Promise.all([write(server, 'always'), write(server, 'everysec')]);
  const recover = (id: string) => async (dir: string) => {
    const wal = await openLog(dir);
    expect(wal.report.damage).toBeUndefined();
    const found = strings(await serve(wal, id));
    await wal.close();
    return found;
  };
  const fates = ['lost', 'cut', 'scattered'] as const;
  expect(await worstLoss(trace, folder, always, fates, recover('always'))).toBe(0);
  expect(await worstLoss(trace, folder, everysec, fates, recover('everysec'))).toBeLessThan(LOSS_MAX_MS);
});

test('the write-ahead log of an everysec node alone loses at most about a second', async () => {
  const folder = await serverFolder();
  const trace = join(await serverFolder(), 'trace');
  const server = await startWalServer(folder, traced(folder, trace));
  setTimeout(() => void server.stop(), RUN_MS);
  const acknowledged = await write(server, 'everysec');
  const worst = await worstLoss(trace, folder, acknowledged, ['lost', 'cut', 'scattered'], async (dir) => {
    const wal = await openLog(dir);
    const found = strings(await serve(wal, 'everysec'));
    await wal.close();
    return found;
  });
  expect(worst).toBeGreaterThan(100);
  expect(worst).toBeLessThan(LOSS_MAX_MS);
});
