import type { Decider, DomainEvent } from '#domains/kernel/decider.ts';
import { reject } from '#domains/kernel/rejection.ts';
import { tenantDecider } from '#domains/tenant/decider.ts';
import { tenantStream } from '#domains/tenant/events.ts';
import { newId } from '#infra/crypto/ids.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import { openLog, type LogUnderTest } from '#infra/event-log/testing/log-under-test.ts';
import { testDatabase } from '#test/tools/postgres.ts';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { execute, loadState, step, systemRequest, type CommandOutcome, type Step } from './execute.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let under: LogUnderTest;

beforeEach(async () => {
  database = await testDatabase();
  under = openLog(database.url, { notify: false });
});
afterEach(async () => {
  await under.close();
  await database.drop();
});

interface Tally {
  readonly count: number;
  readonly last: string;
  readonly by: ReadonlyMap<string, bigint>;
}
type Say = { readonly type: 'Say'; readonly data: { readonly words: readonly string[] } };

/** Counts what was said, refuses what was said last, and holds what JSON has no form for. */
const decider: Decider<Say, DomainEvent<'NodeFailed', { nodeId: string; reason: string }>, Tally> = {
  initialState: { count: 0, last: '', by: new Map() },
  decide({ data: { words } }, { last }) {
    if (words.includes(last)) return reject('already_exists', `"${last}" was said last.`);
    return words.map((reason) => ({ type: 'NodeFailed', data: { nodeId: 'n', reason } }));
  },
  evolve: ({ count, by }, { data: { reason } }) => ({
    count: count + 1,
    last: reason,
    by: new Map(by).set(reason, (by.get(reason) ?? 0n) + 1n),
  }),
};
const say = (stream: string, words: readonly string[], expectedVersion?: number): Step =>
  step({ stream, decider, command: { type: 'Say', data: { words } }, expectedVersion });

let commands = 0;
function run(log: EventLog, ...steps: Step[]): Promise<CommandOutcome> {
  commands += 1;
  return execute(
    log,
    systemRequest({
      action: 'node.say',
      actor: 'test',
      commandId: String(commands),
      target: { kind: 'node', id: 'n' },
      tenantId: null,
      correlationId: 'c',
      causationId: null,
    }),
    steps,
  );
}

/** The same log as nobody knows it yet, who does not look at snapshots either. */
function unknown(log: EventLog): EventLog {
  const { snapshots, ...plain } = log;
  expect(snapshots).toBeDefined();
  return plain;
}

/** The log as a process sees it that has just started. */
const restarted = (log: EventLog): EventLog => ({ ...log });

/** What is read of streams that are about nodes, in versions. */
function counting(log: EventLog): { log: EventLog; reads: [from: number, count: number][] } {
  const reads: [number, number][] = [];
  return {
    reads,
    log: {
      ...log,
      async readStream(stream, range) {
        const events = await log.readStream(stream, range);
        if (stream.startsWith('node-')) reads.push([range?.fromVersion ?? 0, events.length]);
        return events;
      },
      async *readStreamBatches(stream, range) {
        for await (const batch of log.readStreamBatches(stream, range)) {
          reads.push([batch[0]?.version ?? 0, batch.length]);
          yield batch;
        }
      },
    },
  };
}

const words = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => `w${from + n}`);
const patience = { timeout: 20_000 };
const snapshotRows = async () => (await under.pool.query('SELECT stream, version, shape, state FROM snapshots')).rows;

test('a stream that is known is not read again: its last event, and what others have added', async () => {
  const mine = counting(under.log);
  await run(mine.log, say('node-a', words(0, 20)));
  mine.reads.length = 0;
  expect(await run(mine.log, say('node-a', ['x']))).toMatchObject({ versions: { 'node-a': 20 } });
  expect(await run(mine.log, say('node-a', ['x']))).toMatchObject({ rejection: { code: 'already_exists' } });
  expect(mine.reads).toEqual([
    [19, 1],
    [20, 1],
  ]);
  await run(restarted(under.log), say('node-a', ['y', 'z']));
  mine.reads.length = 0;
  expect(await run(mine.log, say('node-a', ['z']))).toMatchObject({ rejection: { code: 'already_exists' } });
  expect(mine.reads).toEqual([[20, 3]]);
});

describe('snapshots', () => {
  test('a process that has just started reads a long stream from its snapshot on', async () => {
    await run(under.log, say('node-a', words(0, 250)));
    await expect.poll(snapshotRows, patience).toMatchObject([{ stream: 'node-a', version: 249 }]);
    await run(under.log, say('node-a', words(250, 300)));
    const late = counting(restarted(under.log));
    const { state, version } = await loadState(late.log, 'node-a', decider);
    expect(version).toBe(299);
    expect(state).toEqual((await loadState(unknown(under.log), 'node-a', decider)).state);
    expect(state.by.get('w7')).toBe(1n);
    expect(late.reads).toEqual([
      [0, 100],
      [249, 51],
    ]);
    await run(under.log, say('node-a', words(300, 350)));
    await expect.poll(snapshotRows, patience).toMatchObject([{ stream: 'node-a', version: 349 }]);
  });

  test('of another shape, damaged, or ahead of the log are as good as none', async () => {
    await run(under.log, say('node-a', words(0, 150)));
    await expect.poll(snapshotRows, patience).toHaveLength(1);
    const truth = await loadState(unknown(under.log), 'node-a', decider);
    const [before] = await snapshotRows();

    // What folds in another way does not use it, and makes its own.
    const lengths: typeof decider = {
      ...decider,
      evolve: ({ count, last, by }, { data: { reason } }) => ({
        count,
        last,
        by: new Map(by).set(`${reason.length}`, 1n),
      }),
    };
    const { state } = await loadState(restarted(under.log), 'node-a', lengths);
    expect([...state.by.keys()]).toEqual(['2', '3', '4']);
    const revised = counting(restarted(under.log));
    await under.pool.query('UPDATE snapshots SET shape = $1, state = $2', [before?.shape, before?.state]);
    expect(await loadState(revised.log, 'node-a', { ...decider, revision: 1 })).toEqual(truth);
    expect(revised.reads).toEqual([
      [0, 100],
      [99, 51],
    ]);
    await expect.poll(async () => (await snapshotRows())[0]?.shape, patience).not.toBe(before?.shape);

    const spoil = async (change: string) => {
      await under.pool.query('UPDATE snapshots SET shape = $1, state = $2', [before?.shape, before?.state]);
      await under.pool.query(`UPDATE snapshots SET ${change}`);
      expect(await loadState(restarted(under.log), 'node-a', decider)).toEqual(truth);
    };
    await spoil(`version = 1000`);
    await spoil(`shape = 'stale', state = '{"count":7}'`);
    await under.pool.query('ALTER TABLE snapshots RENAME TO lost');
    expect(await loadState(restarted(under.log), 'node-a', decider)).toEqual(truth);
  });
});

test('a log that was put back to an earlier day under a running process is seen as it is', async () => {
  await run(under.log, say('node-a', words(0, 10)));
  await under.pool.query(`DELETE FROM events WHERE stream = 'node-a' AND version > 4`);
  expect(await loadState(under.log, 'node-a', decider)).toMatchObject({ version: 4, state: { last: 'w4' } });
});

test('states that know of somebody are neither kept nor made snapshots of, and nobody who was erased is in them', async () => {
  const tenantId = newId('tnt');
  const stream = tenantStream(tenantId);
  const onTenant = (command: Parameters<typeof tenantDecider.decide>[0]) =>
    run(under.log, step({ stream, decider: tenantDecider, command }));
  await onTenant({ type: 'CreateTenant', data: { tenantId, name: 'Ada', plan: 'free' } });
  for (let n = 0; n < 60; n += 1) {
    await onTenant({ type: 'SuspendTenant', data: { tenantId, reason: 'unpaid' } });
    await onTenant({ type: 'ResumeTenant', data: { tenantId } });
  }
  expect((await loadState(under.log, stream, tenantDecider)).state.name).toBe('Ada');
  await under.keys.erase(tenantId);
  expect((await loadState(under.log, stream, tenantDecider)).state.name).toBeNull();
  expect(await snapshotRows()).toEqual([]);
});

test('whatever is kept: the same commands have the same outcomes and states as without, also beside another process', async () => {
  const streams = ['node-a', 'node-b', 'tenant-x'];
  const command = fc.record({
    who: fc.integer({ min: 0, max: 1 }),
    steps: fc.array(
      fc.record({
        stream: fc.constantFrom(...streams),
        words: fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 40 }),
        expected: fc.option(fc.integer({ min: -1, max: 60 }), { freq: 5 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    event: fc.constantFrom('nothing', 'nothing', 'nothing', 'restart', 'stale snapshots', 'lost snapshots'),
  });
  let rounds = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 40 }), async (script) => {
      rounds += 1;
      const round = rounds;
      const second = openLog(database.url, { notify: false });
      const keeping = [under.log, second.log];
      const nameOf = (stream: string, set: 'kept' | 'plain') => `${stream}-${set}-${round}`;
      const stepsOf = (set: 'kept' | 'plain', { steps }: (typeof script)[number]) =>
        steps.map(({ stream, words: said, expected }) => say(nameOf(stream, set), said, expected ?? undefined));
      /** All that both sets of streams have in common. */
      const shown = (outcome: CommandOutcome) =>
        outcome.outcome === 'accepted'
          ? streams.map(
              (stream) => outcome.versions[nameOf(stream, 'kept')] ?? outcome.versions[nameOf(stream, 'plain')],
            )
          : { ...outcome, position: null };
      try {
        for (const one of script) {
          if (one.event === 'restart') keeping[0] = restarted(under.log);
          if (one.event === 'stale snapshots') await under.pool.query(`UPDATE snapshots SET shape = 'x', state = '{}'`);
          if (one.event === 'lost snapshots') await under.pool.query('DELETE FROM snapshots');
          const kept = await run(keeping[one.who] ?? under.log, ...stepsOf('kept', one));
          const plain = await run(unknown(under.log), ...stepsOf('plain', one));
          expect(shown(kept)).toEqual(shown(plain));
        }
        for (const stream of streams) {
          const truth = await loadState(unknown(under.log), nameOf(stream, 'plain'), decider);
          for (const log of [...keeping, restarted(under.log)]) {
            expect(await loadState(log, nameOf(stream, 'kept'), decider)).toEqual(truth);
          }
        }
      } finally {
        await second.close();
      }
    }),
    { numRuns: 12 },
  );
});

test('commands of two processes on one hot stream at the same moment: none is lost, none decides on what is no longer so', async () => {
  const second = openLog(database.url, { notify: false });
  const counter: Decider<
    { type: 'Add'; data: number },
    DomainEvent<'NodeFailed', { nodeId: string; reason: string }>,
    number
  > = {
    initialState: 0,
    // Each says which it is, so a decision on an old state would repeat a number.
    decide: (_command, state) => [{ type: 'NodeFailed', data: { nodeId: 'n', reason: String(state) } }],
    evolve: (state) => state + 1,
  };
  const add = step({ stream: 'node-hot', decider: counter, command: { type: 'Add', data: 1 } });
  const outcomes = await Promise.all(
    Array.from({ length: 200 }, (_, n) => run((n % 2 === 0 ? under : second).log, add)),
  );
  const accepted = outcomes.filter(({ outcome }) => outcome === 'accepted').length;
  for (const outcome of outcomes) {
    if (outcome.outcome !== 'accepted') expect(outcome).toMatchObject({ rejection: { code: 'concurrent_change' } });
  }
  const reasons = (await under.log.readStream('node-hot')).map(({ data }) => (data as { reason: string }).reason);
  expect(reasons).toEqual(Array.from({ length: accepted }, (_, n) => String(n)));
  await second.close();
});
