import { setTimeout as sleep } from 'node:timers/promises';

import type { Decider, DomainEvent } from '#domains/kernel/decider.ts';
import { reject } from '#domains/kernel/rejection.ts';
import { reservationDecider } from '#domains/reservation/decider.ts';
import { tenantDecider } from '#domains/tenant/decider.ts';
import { tenantStream } from '#domains/tenant/events.ts';
import { newId } from '#infra/crypto/ids.ts';
import { commandUidOf } from '#infra/event-log/event-ids.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import { startFaultyProxy } from '#infra/event-log/testing/faulty-proxy.ts';
import { openLog, type LogUnderTest } from '#infra/event-log/testing/log-under-test.ts';
import { flawsOf } from '#infra/event-log/testing/sound-log.ts';
import { testDatabase } from '#test/tools/postgres.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import {
  execute,
  findOutcome,
  loadState,
  recordDenial,
  step,
  systemRequest,
  type CommandOutcome,
  type CommandRequest,
} from './execute.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let under: LogUnderTest;
let log: EventLog;

beforeEach(async () => {
  database = await testDatabase();
  under = openLog(database.url, { notify: false });
  log = under.log;
});
afterEach(async () => {
  expect(await flawsOf(under.pool)).toEqual([]);
  await under.close();
  await database.drop();
});

function request(over: Partial<CommandRequest> = {}): CommandRequest {
  return {
    action: 'tenant.create',
    actor: { kind: 'api-key', id: 'key_1' },
    address: '203.0.113.1',
    commandId: newId('op'),
    correlationId: 'c',
    causationId: null,
    trace: null,
    tenantId: null,
    target: { kind: 'tenant', id: 'tnt_1' },
    requestHmac: 'hmac',
    ...over,
  };
}

const tenantId = newId('tnt');
const stream = tenantStream(tenantId);
const create = step({
  stream,
  decider: tenantDecider,
  command: { type: 'CreateTenant', data: { tenantId, name: 'Acme', plan: 'free' } },
});
const suspend = (expectedVersion?: number) =>
  step({
    stream,
    decider: tenantDecider,
    command: { type: 'SuspendTenant', data: { tenantId, reason: 'unpaid' } },
    expectedVersion,
  });
const reserve = (name: string, holder: string) =>
  step({
    stream: `reservation-${name}`,
    decider: reservationDecider,
    command: { type: 'ReserveName', data: { holder } },
  });

/** The types of the events on a stream. */
async function types(of: string): Promise<string[]> {
  return (await log.readStream(of)).map(({ type }) => type);
}

async function entryOf({ actor, commandId }: CommandRequest) {
  return log.readStream(`command-${commandUidOf(actor, commandId)}`);
}

describe('an accepted command', () => {
  test('records its events and its entry in one append, and tells where and at which versions', async () => {
    const asked = request({ tenantId, result: { operationId: 'op_1' } });
    const outcome = await execute(log, asked, [reserve('acme', tenantId), create]);
    expect(outcome).toEqual({
      outcome: 'accepted',
      position: 3n,
      repeated: false,
      target: { kind: 'tenant', id: 'tnt_1' },
      result: { operationId: 'op_1' },
      versions: { [stream]: 0, 'reservation-acme': 0 },
    });
    expect(await entryOf(asked)).toMatchObject([
      {
        position: 3n,
        type: 'CommandAccepted',
        data: {
          action: 'tenant.create',
          targetKind: 'tenant',
          targetId: 'tnt_1',
          requestHmac: 'hmac',
          result: { operationId: 'op_1' },
        },
        metadata: { actor: asked.actor, address: '203.0.113.1', commandId: asked.commandId, tenantId },
      },
    ]);
  });

  test('that changes nothing still leaves its entry', async () => {
    await execute(log, request(), [reserve('acme', 'me')]);
    const again = request();
    expect(await execute(log, again, [reserve('acme', 'me')])).toMatchObject({ outcome: 'accepted', versions: {} });
    expect((await entryOf(again)).length).toBe(1);
    expect(await types('reservation-acme')).toEqual(['NameReserved']);
  });

  test('may be recorded as something else, such as an access to data', async () => {
    const { action, target, requestHmac } = request();
    const asked = request({
      recordAs: {
        type: 'DataAccessed',
        data: { action, targetKind: target.kind, targetId: target.id, requestHmac, redisCommand: 'GET' },
      },
    });
    expect(await execute(log, asked, [])).toMatchObject({ outcome: 'accepted', repeated: false, result: {} });
    expect((await entryOf(asked)).map(({ type }) => type)).toEqual(['DataAccessed']);
    expect(await execute(log, asked, [])).toMatchObject({ outcome: 'accepted', repeated: true, result: {}, target });
  });

  test('lets a later step see what an earlier one led to', async () => {
    const outcome = await execute(log, request(), [create, suspend()]);
    expect(outcome).toMatchObject({ outcome: 'accepted', versions: { [stream]: 1 } });
    expect(await types(stream)).toEqual(['TenantCreated', 'TenantSuspended']);
  });
});

describe('a refused command', () => {
  test('leaves its entry with the code, and the streams alone', async () => {
    await execute(log, request(), [reserve('acme', 'other')]);
    const asked = request();
    expect(await execute(log, asked, [create, reserve('acme', tenantId)])).toMatchObject({
      outcome: 'rejected',
      position: 3n,
      repeated: false,
      rejection: { rejected: true, code: 'name_taken' },
    });
    expect(await types(stream)).toEqual([]);
    expect(await entryOf(asked)).toMatchObject([{ type: 'CommandRejected', data: { code: 'name_taken' } }]);
  });

  test('by authorization is recorded as denied, once', async () => {
    const asked = request();
    const rejection = reject('forbidden', 'Not with this role.');
    const denied = { outcome: 'denied', position: 1n, rejection };
    expect(await recordDenial(log, asked, rejection)).toEqual({ ...denied, repeated: false });
    expect(await recordDenial(log, asked, rejection)).toEqual({ ...denied, repeated: true });
    expect(await execute(log, asked, [create])).toEqual({ ...denied, repeated: true });
    expect(await log.head()).toBe(1n);
  });
});

describe('a version the caller expects (If-Match)', () => {
  test.each([
    [0, 'accepted', undefined],
    [1, 'rejected', 'version_mismatch'],
    [7, 'rejected', 'version_mismatch'],
  ])('%i', async (expected, outcome, code) => {
    await execute(log, request(), [create]);
    const result = await execute(log, request(), [suspend(expected)]);
    expect(result).toMatchObject({ outcome, ...(code === undefined ? {} : { rejection: { code } }) });
  });

  test('of something that is not there: that it is not there comes first', async () => {
    expect(await execute(log, request(), [suspend(3)])).toMatchObject({ rejection: { code: 'not_found' } });
  });
});

describe('a repeat', () => {
  test('gets the recorded outcome, with result, position and versions, and does nothing', async () => {
    const asked = request({ result: { operationId: 'op_1' } });
    const first = await execute(log, asked, [reserve('acme', tenantId), create, suspend()]);
    await execute(log, request(), [reserve('other', 'x')]);
    const head = await log.head();
    const again = await execute(log, { ...asked, correlationId: 'another try', result: { operationId: 'op_2' } }, [
      create,
    ]);
    expect(again).toEqual({ ...first, repeated: true });
    expect(await findOutcome(log, asked.actor, asked.commandId, 'hmac')).toEqual(again);
    expect(await log.head()).toBe(head);
  });

  test('of a rejection is rejected in the same words, though it would be accepted now', async () => {
    const asked = request();
    const first = await execute(log, asked, [suspend()]);
    expect(first).toMatchObject({ outcome: 'rejected', rejection: { code: 'not_found' } });
    await execute(log, request(), [create]);
    expect(await execute(log, asked, [suspend()])).toEqual({ ...first, repeated: true });
  });

  test('with another body is a reuse, whatever the first one came to', async () => {
    const [accepted, rejected] = [request(), request()];
    await execute(log, accepted, [create]);
    await execute(log, rejected, [create]);
    const head = await log.head();
    for (const asked of [accepted, rejected]) {
      const other = { ...asked, requestHmac: 'another' };
      expect(await execute(log, other, [suspend()])).toEqual({ outcome: 'reused' });
      expect(await recordDenial(log, other, reject('forbidden', ''))).toEqual({ outcome: 'reused' });
    }
    expect(await log.head()).toBe(head);
  });

  test('of the id by another actor is another command', async () => {
    const mine = request();
    const theirs = { ...mine, actor: { kind: 'api-key', id: 'key_2' } as const, requestHmac: 'another' };
    await execute(log, mine, [create]);
    expect(await execute(log, theirs, [suspend()])).toMatchObject({ outcome: 'accepted', repeated: false });
    expect(await findOutcome(log, { kind: 'system', id: 'key_1' }, mine.commandId, 'hmac')).toBeNull();
  });

  test('tells the versions of a command with many streams', async () => {
    const asked = request();
    const steps = Array.from({ length: 70 }, (_, n) => reserve(`name-${n}`, 'me'));
    const first = await execute(log, asked, steps);
    expect(await execute(log, asked, steps)).toEqual({ ...first, repeated: true });
  });
});

describe('at the same moment', () => {
  test('one id from many: one does it, all get its outcome', async () => {
    const logs = [under, openLog(database.url), openLog(database.url)];
    for (let round = 0; round < 10; round += 1) {
      const commandId = `twin-${round}`;
      const outcomes = await Promise.all(
        Array.from({ length: 30 }, (_, n) => {
          // Each twin makes up its own ids, as requests do.
          const id = newId('tnt');
          const asked = request({ commandId, target: { kind: 'tenant', id }, result: { n: String(n) } });
          return execute((logs[n % 3] ?? under).log, asked, [reserve(`${round}-${n}`, id)]);
        }),
      );
      const firsts = outcomes.filter((outcome) => outcome.outcome === 'accepted' && !outcome.repeated);
      expect(firsts.length).toBe(1);
      for (const outcome of outcomes) {
        expect(outcome).toEqual({ ...firsts[0], repeated: outcome !== firsts[0] });
      }
    }
    expect(await log.head()).toBe(20n);
    await Promise.all(logs.slice(1).map((other) => other.close()));
  });

  test('one id with different bodies: one does it, the others are told of the reuse', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        execute(log, request({ commandId: 'same', requestHmac: `hmac-${n}` }), [reserve(`name-${n}`, 'me')]),
      ),
    );
    expect(outcomes.filter(({ outcome }) => outcome === 'accepted').length).toBe(1);
    expect(outcomes.filter(({ outcome }) => outcome === 'reused').length).toBe(19);
    expect(await log.head()).toBe(2n);
  });

  test('one name for a hundred: exactly one gets it, and all leave an entry', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, (_, n) => execute(log, request(), [reserve('acme', `holder-${n}`)])),
    );
    expect(outcomes.filter(({ outcome }) => outcome === 'accepted').length).toBe(1);
    for (const outcome of outcomes) {
      if (outcome.outcome !== 'accepted') expect(outcome).toMatchObject({ rejection: { code: 'name_taken' } });
    }
    expect((await log.readStream('reservation-acme')).length).toBe(1);
    expect(await log.head()).toBe(101n);
  });

  test('a stream that moves on between loading and appending is decided on anew', async () => {
    let interfered = 0;
    const meddled = meddle(log, async () => {
      interfered += 1;
      if (interfered === 1) await execute(log, request(), [create]);
    });
    const outcome = await execute(meddled, request(), [create]);
    expect(outcome).toMatchObject({ outcome: 'rejected', rejection: { code: 'already_exists' } });
  });

  test('a hundred who change the same thing at the same moment in one process all get their turn', async () => {
    const counter: Decider<{ type: 'Add'; data: null }, DomainEvent, number> = {
      initialState: 0,
      decide: () => [{ type: 'NodeStopped', data: { nodeId: 'n' } }],
      evolve: (state) => state + 1,
    };
    const add = step({ stream: 'node-popular', decider: counter, command: { type: 'Add', data: null } });
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => execute(log, request(), [add])));
    expect(outcomes.filter(({ outcome }) => outcome !== 'accepted')).toEqual([]);
    expect((await loadState(log, 'node-popular', counter)).state).toBe(100);
  });

  test('a stream that others keep coming to is changed and looked at by all of them', async () => {
    const writes: Decider<{ type: 'Add' | 'Look'; data: null }, DomainEvent, number> = {
      initialState: 0,
      decide: ({ type }) => (type === 'Add' ? [{ type: 'NodeStopped', data: { nodeId: 'n' } }] : []),
      evolve: (state) => state + 1,
    };
    const coming: Promise<CommandOutcome>[] = [];
    for (let n = 0; n < 400; n += 1) {
      const type = n % 2 === 0 ? 'Add' : 'Look';
      const one = step({ stream: 'node-busy', decider: writes, command: { type, data: null } });
      coming.push(execute(log, request(), [one]));
      await sleep(2);
    }
    const outcomes = await Promise.all(coming);
    expect(outcomes.filter(({ outcome }) => outcome !== 'accepted')).toEqual([]);
    expect((await loadState(log, 'node-busy', writes)).state).toBe(200);
  });

  test('a stream that moves on every time ends as a concurrent change, after four decisions', async () => {
    let decisions = 0;
    const counter: Decider<{ type: 'Add'; data: null }, DomainEvent, number> = {
      initialState: 0,
      decide: () => {
        decisions += 1;
        return [{ type: 'NodeStopped', data: { nodeId: 'n' } }];
      },
      evolve: (state) => state + 1,
    };
    const add = step({ stream: 'node-counter', decider: counter, command: { type: 'Add', data: null } });
    const meddled = meddle(log, async (streams) => {
      if (streams.includes('node-counter')) await execute(log, request(), [add]);
    });
    const asked = request();
    expect(await execute(meddled, asked, [add])).toMatchObject({ rejection: { code: 'concurrent_change' } });
    // Four of the caller and four of the meddler.
    expect(decisions).toBe(8);
    expect(await entryOf(asked)).toMatchObject([{ type: 'CommandRejected', data: { code: 'concurrent_change' } }]);
    expect((await loadState(log, 'node-counter', counter)).state).toBe(4);
  });

  test('a stream that is only looked at must not move either', async () => {
    await execute(log, request(), [create]);
    const active = step({
      stream,
      decider: tenantDecider,
      command: { type: 'RequireActiveTenant', data: { tenantId } },
    });
    let interfered = 0;
    const meddled = meddle(log, async () => {
      interfered += 1;
      if (interfered === 1) await execute(log, request(), [suspend()]);
    });
    const outcome = await execute(meddled, request(), [active, reserve('node', 'n')]);
    expect(outcome).toMatchObject({ outcome: 'rejected', rejection: { code: 'tenant_not_active' } });
    expect(await types('reservation-node')).toEqual([]);
  });
});

/** The log as it is when somebody else comes in right before each append. */
function meddle(real: EventLog, before: (streams: string[]) => Promise<void>): EventLog {
  return {
    ...real,
    async append(append) {
      await before(append.streams.map(({ stream }) => stream));
      return real.append(append);
    },
  };
}

test.each(['cut', 'hang'] as const)('an answer that is lost (%s) after COMMIT costs nothing but time', async (how) => {
  const proxy = await startFaultyProxy(database.url);
  const far = openLog(proxy.url, { notify: false });
  // Nothing is asked but what `execute` asks: a look at the command, a look at the stream, and then the append.
  const faulty: EventLog = {
    ...far.log,
    append(append) {
      fault = how === 'cut' ? proxy.cutInsteadOfNextAnswer() : proxy.hangInsteadOfNextAnswer();
      return far.log.append(append);
    },
  };
  let fault = Promise.resolve();
  const asked = request({ address: null });
  await far.keys.forWriting([tenantId]);
  // The connection that appends is there: what gets lost is no answer to its being opened.
  await execute(far.log, request({ address: null }), [reserve('node', 'n')]);
  const outcome = await execute(faulty, asked, [create]);
  await fault;
  expect(outcome).toMatchObject({ outcome: 'accepted', position: 4n, repeated: false, versions: { [stream]: 0 } });
  expect((await entryOf(asked)).length).toBe(1);
  expect(await types(stream)).toEqual(['TenantCreated']);
  expect(await execute(log, asked, [create])).toEqual({ ...outcome, repeated: true });
  await far.close();
  await proxy.close();
});

test('the state of a stream, and its version', async () => {
  expect(await loadState(log, stream, tenantDecider)).toEqual({ state: tenantDecider.initialState, version: -1 });
  await execute(log, request(), [create, suspend()]);
  expect(await loadState(log, stream, tenantDecider)).toEqual({
    state: { status: 'suspended', name: 'Acme', plan: 'free' },
    version: 1,
  });
});

test('a request of the platform’s own is the same command when it is made again', async () => {
  const again = () =>
    systemRequest({
      action: 'tenant.suspend',
      actor: 'reaction/unpaid',
      commandId: 'event-1/suspend',
      target: { kind: 'tenant', id: tenantId },
      tenantId,
      correlationId: 'c',
      causationId: 'event-1',
    });
  await execute(log, request(), [create]);
  expect(await execute(log, again(), [suspend()])).toMatchObject({ outcome: 'accepted', repeated: false });
  expect(await execute(log, again(), [suspend()])).toMatchObject({ outcome: 'accepted', repeated: true });
  expect(await entryOf(again())).toMatchObject([
    { metadata: { actor: { kind: 'system', id: 'reaction/unpaid' }, causationId: 'event-1', address: null } },
  ]);
});
