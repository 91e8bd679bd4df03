import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { testDatabase } from '#test/tools/postgres.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { appendOf, openLog, said, type LogUnderTest } from '../testing/log-under-test.ts';
import { Fenced, heartbeat, joinGroup, moveCheckpoint } from './leases.ts';
import { listParked, moveReplay, park, requestReplay, unpark } from './parked.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let under: LogUnderTest;
const children = new Set<ChildProcess>();

beforeEach(async () => {
  database = await testDatabase();
  under = openLog(database.url);
  await under.pool.query(
    'CREATE TABLE effects (seq bigserial PRIMARY KEY, stream text, version integer, shard integer, epoch bigint)',
  );
  await under.pool.query('CREATE TABLE cured ()');
});
afterEach(async () => {
  for (const child of children) if (child.exitCode === null && child.signalCode === null) await end(child, 'SIGKILL');
  children.clear();
  await under.close();
  await database.drop();
});

const lease_ms = 1500;
const script = fileURLToPath(import.meta.resolve('../testing/consumer-process.ts'));

async function startMember(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [script, database.url, String(lease_ms)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  await once(child.stdout ?? child, 'data');
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

const streams = Array.from({ length: 300 }, (_, n) => `node-${n}`);
const isSick = (stream: string) => stream.endsWith('7');
const perStream = 12;
const poisonAt = 5;

/** All streams grow side by side; those that are sick have a poison event among their others. */
async function fill(pace_ms: number): Promise<void> {
  for (let version = 0; version < perStream; version += 1) {
    for (let n = 0; n < streams.length; n += 50) {
      const some = streams.slice(n, n + 50);
      const reason = (stream: string) => (isSick(stream) && version === poisonAt ? 'poison' : 'fine');
      await Promise.all(some.map((stream) => under.log.append(appendOf([stream, 'any', said(reason(stream))]))));
      await sleep(pace_ms);
    }
  }
}

async function effectsByStream(): Promise<Map<string, number[]>> {
  const { rows } = await under.pool.query<{ stream: string; version: number }>(
    'SELECT stream, version FROM effects ORDER BY seq',
  );
  const versions = new Map<string, number[]>(streams.map((stream) => [stream, []]));
  for (const { stream, version } of rows) versions.get(stream)?.push(version);
  return versions;
}

/** Every event's effect is there up to a version, none before the one it follows. A repeat goes back and comes again from there. */
function flawsOf(versions: readonly number[], count: number): string[] {
  let reached = -1;
  const flaws: string[] = [];
  for (const version of versions) {
    if (version > reached + 1) flaws.push(`${version} after ${reached}`);
    reached = Math.max(reached, version);
  }
  return reached === count - 1 ? flaws : [...flaws, `ends at ${reached}`];
}

async function allFlaws(countOf: (stream: string) => number): Promise<string[]> {
  const effects = await effectsByStream();
  return streams.flatMap((stream) =>
    flawsOf(effects.get(stream) ?? [], countOf(stream)).map((flaw) => `${stream}: ${flaw}`),
  );
}

/** Within a shard no effect of an older owner comes after one of a newer. */
async function expectFenced(): Promise<void> {
  const { rows } = await under.pool.query(
    `SELECT * FROM (SELECT shard, epoch, lag(epoch) OVER (PARTITION BY shard ORDER BY seq) AS before FROM effects) AS e
     WHERE epoch < before`,
  );
  expect(rows).toEqual([]);
}

const patience = { timeout: 40_000, interval: 200 };

test('owners that are killed, stalled, stopped and started under load: every effect, in order, and the sick streams parked', async () => {
  let members = [await startMember(), await startMember(), await startMember()];
  const filling = fill(60);
  for (let round = 0; round < 3; round += 1) {
    const [first, second, third] = members as [ChildProcess, ChildProcess, ChildProcess];
    // Stopped in the middle of things for longer than its lease; others take over, and then it wakes up.
    second.kill('SIGSTOP');
    await end(first, 'SIGKILL');
    const fresh = await startMember();
    await sleep(lease_ms * 1.3);
    second.kill('SIGCONT');
    await end(third, 'SIGTERM');
    members = [second, fresh, await startMember()];
  }
  await filling;
  const healthy = (stream: string) => (isSick(stream) ? poisonAt : perStream);
  await expect.poll(() => allFlaws(healthy), patience).toEqual([]);
  await expectFenced();
  const sick = streams.filter(isSick);
  await expect.poll(async () => (await listParked(under.pool, {})).length, patience).toBe(sick.length);
  const parked = await listParked(under.pool, { group: 'effects' });
  expect(parked.map(({ stream }) => stream).toSorted()).toEqual(sick.toSorted());
  expect(new Set(parked.map(({ version, error }) => `${version} ${error.split('\n')[0]}`))).toEqual(
    new Set([`${poisonAt} TypeError: poison`]),
  );

  await under.pool.query('INSERT INTO cured DEFAULT VALUES');
  expect(await requestReplay(under.pool, { group: 'effects' })).toBe(sick.length);
  await end(members[0] as ChildProcess, 'SIGKILL');
  await expect.poll(() => allFlaws(() => perStream), patience).toEqual([]);
  await expect.poll(async () => listParked(under.pool, {}), patience).toEqual([]);
  await expectFenced();
}, 180_000);

test('an owner whose lease has lapsed, or whose shard is another’s, can write nothing', async () => {
  const { pool, log } = under;
  expect(await joinGroup(pool, 'g', 1)).toBe(1);
  expect(await joinGroup(pool, 'g', 5)).toBe(1);
  await log.append(appendOf(['node-a', 'any', said('x'), said('y')]));
  const [event] = await log.readStream('node-a');
  if (event === undefined) throw new Error('nothing was appended');
  const failure = { error: 'e', attempts: 1 };
  const beat = (member: string, lease: number) => heartbeat(pool, { group: 'g', member, lease_ms: lease }, []);

  expect(await beat('old', 60_000)).toEqual([{ shard: 0, epoch: 1n, position: 0n, surplus: false }]);
  const old = { shard: 0, epoch: 1n, position: 1n };
  await moveCheckpoint(pool, 'g', old);
  await park(pool, 'g', old, event, failure);
  const lapse = () => pool.query(`UPDATE consumer_shards SET lease_until = clock_timestamp() - interval '1 ms'`);
  const expectPowerless = async () => {
    await expect(moveCheckpoint(pool, 'g', { ...old, position: 9n })).rejects.toThrow(Fenced);
    await expect(park(pool, 'g', old, event, { ...failure, error: 'stale' })).rejects.toThrow(Fenced);
    await expect(moveReplay(pool, 'g', old, 'node-a', 7)).rejects.toThrow(Fenced);
    await expect(unpark(pool, 'g', old, 'node-a', 9n)).rejects.toThrow(Fenced);
    expect(await listParked(pool, {})).toMatchObject([{ stream: 'node-a', version: 0, error: 'e' }]);
  };
  await lapse();
  await expectPowerless();
  expect(await beat('new', 60_000)).toEqual([{ shard: 0, epoch: 2n, position: 1n, surplus: false }]);
  await expectPowerless();
  // The old one comes back, and is told that it has nothing; its checkpoint is not taken.
  const rows = await heartbeat(pool, { group: 'g', member: 'old', lease_ms: 60_000 }, [{ ...old, position: 9n }]);
  expect(rows).toEqual([]);
  expect(await beat('new', 60_000)).toEqual([{ shard: 0, epoch: 2n, position: 1n, surplus: false }]);
  // A lease that has lapsed is lost to its own holder, too.
  await lapse();
  await pool.query(`DELETE FROM consumer_members WHERE member = 'old'`);
  expect(await beat('new', 60_000)).toEqual([{ shard: 0, epoch: 3n, position: 1n, surplus: false }]);
});
