import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { loadMasterKey } from '#infra/crypto/master-key.ts';
import { startConsumer, type RunningConsumer } from '#infra/event-log/consumers/member.ts';
import { listParked } from '#infra/event-log/consumers/parked.ts';
import { collect } from '#infra/event-log/testing/collect.ts';
import { appendOf, openLog, said, type LogUnderTest } from '#infra/event-log/testing/log-under-test.ts';
import { testDatabase } from '#test/tools/postgres.ts';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';

let database: Awaited<ReturnType<typeof testDatabase>>;
let under: LogUnderTest;
let home: string;
let consumer: RunningConsumer;
let poison = new Set<string>();
let done: string[] = [];

beforeEach(async () => {
  database = await testDatabase();
  under = openLog(database.url);
  home = mkdtempSync(path.join(tmpdir(), 'log-parked-'));
  await loadMasterKey(path.join(home, 'master.key'));
  poison = new Set(['bad', 'worse']);
  done = [];
  consumer = startConsumer({
    consumer: {
      name: 'mailing',
      categories: ['node'],
      types: ['NodeFailed'],
      policy: { attempts: 2, delayMin_ms: 1, delayMax_ms: 1 },
      isTransient: () => false,
      async handle({ data }) {
        const { reason } = data as { reason: string };
        if (poison.has(reason)) throw new Error(`can't send ${reason}`);
        done.push(reason);
      },
    },
    ...under,
    logger: pino({ level: 'silent' }),
    lease_ms: 1000,
  });
  await under.log.append(appendOf(['node-a', 'any', ...['1', 'bad', '2', 'worse', '3'].map(said)]));
  await expect.poll(() => listParked(under.pool, {}), { timeout: 20_000 }).toHaveLength(1);
});
afterEach(async () => {
  await consumer.stop();
  await under.close();
  await database.drop();
  rmSync(home, { recursive: true });
});

/** Runs the command line against the test's database. */
const parked = (...args: string[]) => command('parked', ...args);

function command(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { PATH: process.env['PATH'], DATABASE_URL: database.url, MINIREDIS_HOME: home };
  const program = path.join(import.meta.dirname, 'main.ts');
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

const choice = ['--group', 'mailing', '--stream', 'node-a'];

test('what is parked is listed and shown', async () => {
  const listed = await parked('list');
  expect(listed).toMatchObject({ code: 0, stderr: '' });
  expect(listed.stdout).toMatch(
    /^mailing {2}node-a {2}since \S+ at version 1 \(NodeFailed\): Error: can't send bad\n$/,
  );
  expect(await parked('list', '--group', 'other')).toMatchObject({ code: 0, stdout: 'Nothing is parked.\n' });
  const { code, stdout } = await parked('show', ...choice);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^event {6}version 1, position 2, NodeFailed, id \S+$/m);
  expect(stdout).toMatch(/data \{"nodeId":"node_1","reason":"bad"\}$/m);
  expect(stdout).toMatch(/^attempts {3}2$/m);
  expect(stdout).toMatch(/^behind it {2}3 events on the stream$/m);
});

test('a replay says whether it was delivered or failed again, and a skip passes over one event', async () => {
  expect(await parked('replay', ...choice)).toMatchObject({
    code: 1,
    stdout: "node-a  failed again at version 1 (NodeFailed): Error: can't send bad\n",
  });
  expect(await parked('skip', ...choice, '--version', '0')).toMatchObject({
    code: 2,
    stderr: 'node-a is parked at version 1, not 0; look at it again.\n',
  });
  const skipped = await parked('skip', ...choice);
  expect(skipped.code).toBe(1);
  expect(skipped.stdout).toMatch(
    /^Passed over version 1 of node-a \(NodeFailed, id \S+\)\.\nnode-a {2}failed again at version 3/,
  );
  poison.delete('worse');
  expect(await parked('replay', '--group', 'mailing')).toMatchObject({
    code: 0,
    stdout: 'node-a  delivered; it goes on with the others\n',
  });
  expect(done).toEqual(['1', '2', 'worse', '3']);
  expect(await parked('list')).toMatchObject({ stdout: 'Nothing is parked.\n' });
});

test('who skips or replays leaves an entry in the timeline of the tenant, and who could not leaves none', async () => {
  await parked('skip', ...choice, '--version', '7');
  await parked('show', ...choice);
  expect(await entries()).toEqual([]);
  await parked('skip', ...choice);
  await parked('replay', '--group', 'mailing');
  const about = { targetKind: 'consumer-group', targetId: 'mailing' };
  expect(await entries()).toMatchObject([
    { ...about, action: 'SkipParkedEvent', result: { stream: 'node-a', version: '1', type: 'NodeFailed' } },
    { ...about, action: 'ReplayParked', result: { stream: 'node-a', version: '3', type: 'NodeFailed' } },
  ]);
  const [skipped] = (await collect(under.log.readAll({ after: 0n, filter: { categories: ['command'] } }))).flat();
  const [, parkedEvent] = await under.log.readStream('node-a');
  expect(skipped?.metadata).toMatchObject({
    actor: { kind: 'system', id: 'command-line' },
    tenantId: 'tnt_1',
    causationId: parkedEvent?.eventId,
  });
});

/** What the records of commands say, in their order. */
async function entries(): Promise<unknown[]> {
  const records = (await collect(under.log.readAll({ after: 0n, filter: { types: ['CommandAccepted'] } }))).flat();
  return records.map(({ data }) => data);
}

test('what nobody delivers yet, what is not parked and what is not there is said so', async () => {
  await consumer.stop();
  expect(await parked('replay', ...choice, '--wait', '1')).toMatchObject({
    code: 3,
    stdout: 'node-a  will be delivered by the process that holds its shard\n',
  });
  expect(await parked('show', '--group', 'mailing', '--stream', 'node-b')).toMatchObject({
    code: 2,
    stderr: 'node-b is not parked for mailing; npm run log -- parked list shows what is.\n',
  });
  expect(await parked('skip', '--group', 'mailing')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("required option '--stream <name>'"),
  });
  expect(await parked('replay', ...choice, '--wait', 'long')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('It is a whole number'),
  });
  expect(await parked('--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('replay') });
});

test('groups are listed, and one that nobody runs can be dropped', async () => {
  const listed = await command('groups', 'list');
  expect(listed.stdout).toMatch(
    /^mailing {2}(has caught up|is \d+ events behind, .*); run by 1 process; parked streams: 1\n$/,
  );
  expect(await command('groups', 'drop', '--group', 'mailing')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('or a process runs it'),
  });
  await consumer.stop();
  expect((await command('groups', 'list')).stdout).toContain('run by nobody');
  expect(await command('groups', 'drop', '--group', 'mailing')).toMatchObject({ code: 0 });
  expect(await command('groups', 'list')).toMatchObject({ stdout: 'There are no consumer groups yet.\n' });
  expect(await listParked(under.pool, {})).toEqual([]);
  expect(await entries()).toMatchObject([{ action: 'DropGroup', targetId: 'mailing' }]);
});
