import { describe, expect, test } from 'vitest';

import type { Append, AppendResult, EventLog, ExpectedVersion } from '../../event-log.ts';
import { appendOf, metadata, said } from '../log-under-test.ts';
import { eventsAfter, fresh, type OpenLog } from './store.ts';

const conflict = (stream: string, actual: number | null) => ({ ok: false, conflict: 'version', stream, actual });

/** What an append that was recorded says; its positions are looked at where they matter. */
const recorded = (repeated = false) => ({
  ok: true,
  firstPosition: expect.any(BigInt),
  lastPosition: expect.any(BigInt),
  repeated,
});

/** What every log does with appends. */
export function appending(open: OpenLog): void {
  test('what is appended is what is read, with its place, its time and all its circumstances', async () => {
    const log = open();
    const [one, two] = [fresh('node'), fresh('command')];
    const everything: Append = {
      ...appendOf([one, 'no-stream', said('one'), said('two')], [two, 'any', said('three')]),
      metadata: {
        actor: { kind: 'api-key', id: 'key_1' },
        address: '2001:db8::1',
        commandId: 'an "odd" {id}, \\ and ünïcode',
        correlationId: 'c',
        causationId: 'e',
        trace: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        tenantId: 'tnt_9',
      },
    };
    const before = Date.now();
    const result = await log.append(everything);
    const [first, second] = await log.readStream(one);
    const [third] = await log.readStream(two);
    expect(first).toEqual({
      position: expect.any(BigInt),
      eventId: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
      stream: one,
      version: 0,
      type: 'NodeFailed',
      schemaVersion: 1,
      recordedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      data: { nodeId: 'node_1', reason: 'one' },
      metadata: everything.metadata,
    });
    expect(second).toMatchObject({ version: 1, data: { reason: 'two' } });
    expect(third).toMatchObject({ version: 0, stream: two });
    expect(Math.abs(Date.parse(first?.recordedAt ?? '') - before)).toBeLessThan(60_000);
    expect(result).toEqual({ ...recorded(), firstPosition: first?.position, lastPosition: third?.position });
    const positions = [first, second, third].map((event) => event?.position ?? 0n);
    expect(positions).toEqual(positions.toSorted((left, right) => (left < right ? -1 : 1)));
    expect(new Set(positions).size).toBe(3);
    expect(await log.head()).toBe(third?.position);
  });

  describe('expected versions', () => {
    const cases: [expected: ExpectedVersion, onNothing: boolean, onVersion1: boolean][] = [
      ['any', true, true],
      ['no-stream', true, false],
      ['exists', false, true],
      [0, false, false],
      [1, false, true],
      [2, false, false],
    ];
    test.each(cases)('%s', async (expected, onNothing, onVersion1) => {
      const log = open();
      const [there, missing] = [fresh('node'), fresh('node')];
      await log.append(appendOf([there, 'no-stream', said('0'), said('1')]));
      expect(await log.append(appendOf([missing, expected, said('x')]))).toEqual(
        onNothing ? recorded() : conflict(missing, null),
      );
      expect(await log.append(appendOf([there, expected, said('2')]))).toEqual(
        onVersion1 ? recorded() : conflict(there, 1),
      );
      expect((await log.readStream(there)).map(({ version }) => version)).toEqual(onVersion1 ? [0, 1, 2] : [0, 1]);
    });
  });

  describe('an append over several streams', () => {
    test('is recorded whole or not at all', async () => {
      const log = open();
      const [a, b, c] = [fresh('node'), fresh('node'), fresh('node')];
      await log.append(appendOf([a, 'no-stream', said('a0')]));
      const before = await log.head();
      const stale = appendOf([b, 'no-stream', said('b0')], [a, 7, said('a1')], [c, 'any', said('c')]);
      expect(await log.append(stale)).toEqual(conflict(a, 0));
      expect(await log.head()).toBe(before);
      expect(await log.readStream(b)).toEqual([]);
      expect(await eventsAfter(log, before)).toEqual([]);
    });

    test('pins streams that it does not write to', async () => {
      const log = open();
      const [tenant, a, b] = [fresh('tenant'), fresh('node'), fresh('node')];
      await log.append(appendOf([tenant, 'no-stream', said('t0')]));
      expect(await log.append(appendOf([tenant, 0], [a, 'no-stream', said('a0')]))).toEqual(recorded());
      await log.append(appendOf([tenant, 0, said('t1')]));
      expect(await log.append(appendOf([tenant, 0], [b, 'no-stream', said('b0')]))).toEqual(conflict(tenant, 1));
      const head = await log.head();
      expect(await log.append(appendOf([fresh('tenant'), 'no-stream'], [tenant, 1]))).toEqual({
        ok: true,
        firstPosition: head,
        lastPosition: head,
        repeated: false,
      });
      expect(await log.head()).toBe(head);
    });

    test('is found again by its command', async () => {
      const log = open();
      const [a, b] = [fresh('node'), fresh('node')];
      const append = appendOf([a, 'any', said('0'), said('1')], [fresh('tenant'), 'any'], [b, 'any', said('2')]);
      await log.append(append);
      await log.append(appendOf([a, 'any', said('3')]));
      const expected = [...(await log.readStream(a, { limit: 2 })), ...(await log.readStream(b))];
      expect(await open().readAppend(append.commandUid)).toEqual(expected);
      expect(await log.readAppend(crypto.randomUUID())).toEqual([]);
    });

    test('of many large events is still one', async () => {
      const log = open();
      const stream = fresh('node');
      const large = said('x'.repeat(200_000));
      const append = appendOf([stream, 'no-stream', ...Array.from({ length: 12 }, () => large)]);
      expect(await log.append(append)).toEqual(recorded());
      expect((await log.readStream(stream)).map(({ version }) => version)).toEqual(
        Array.from({ length: 12 }, (_, n) => n),
      );
    });
  });

  describe('a repeat', () => {
    test('of the same events gets their positions, though the streams have moved on', async () => {
      const log = open();
      const [a, b] = [fresh('node'), fresh('node')];
      const append = appendOf([a, 'no-stream', said('0')], [b, 'no-stream', said('0'), said('1')]);
      const first = await log.append(append);
      await log.append(appendOf([a, 0, said('1')]));
      const head = await log.head();
      const again = { ...append, metadata: { ...metadata, correlationId: 'another try' } };
      expect(await log.append(again)).toEqual({ ...first, repeated: true });
      expect(await open().append(again)).toEqual({ ...first, repeated: true });
      expect(await log.head()).toBe(head);
    });

    test('is recognised through the encryption of personal fields', async () => {
      const created = { type: 'TenantCreated', data: { tenantId: 'tnt_5', name: 'Acme', plan: 'free' } };
      const append = {
        ...appendOf([fresh('tenant'), 'no-stream', created]),
        metadata: { ...metadata, address: '::1' },
      };
      const first = await open().append(append);
      expect(await open().append(append)).toEqual({ ...first, repeated: true });
    });

    const [a, b] = [fresh('node'), fresh('node')];
    const others: [how: string, streams: Append['streams']][] = [
      ['another text', [{ stream: a, expectedVersion: 'any', events: [said('0'), said('2')] }]],
      ['another stream', [{ stream: b, expectedVersion: 'any', events: [said('0'), said('1')] }]],
      ['fewer events', [{ stream: a, expectedVersion: 'any', events: [said('0')] }]],
      ['more events', [{ stream: a, expectedVersion: 'any', events: [said('0'), said('1'), said('2')] }]],
    ];
    test.each(others)('with %s is a conflict, and records nothing', async (_how, streams) => {
      const log = open();
      const original = appendOf([a, 'any', said('0'), said('1')]);
      await log.append(original);
      const head = await log.head();
      expect(await log.append({ ...original, streams })).toEqual({ ok: false, conflict: 'event-id' });
      expect(await log.head()).toBe(head);
    });

    test('that comes while the first is under way, from here or elsewhere, waits for it', async () => {
      const logs = [open(), open()];
      const append = appendOf([fresh('node'), 'no-stream', said('0')], [fresh('node'), 'any', said('1')]);
      const results = await Promise.all(Array.from({ length: 20 }, (_, n) => (logs[n % 2] ?? open()).append(append)));
      const firsts = results.filter((result) => result.ok && !result.repeated);
      expect(firsts.length).toBe(1);
      for (const result of results) expect(result).toEqual({ ...firsts[0], repeated: result !== firsts[0] });
    });
  });

  describe('hundreds of callers', () => {
    test('who all expect the same version of one stream: one of them gets it each time', async () => {
      const logs = [open(), open(), open()];
      const stream = fresh('node');
      for (let version = -1; version < 4; version += 1) {
        const expected = version === -1 ? 'no-stream' : version;
        const results = await Promise.all(
          Array.from({ length: 30 }, (_, n) =>
            (logs[n % 3] ?? open()).append(
              appendOf([stream, expected, said(`${version}-${n}`)], [fresh('command'), 'no-stream', said('record')]),
            ),
          ),
        );
        expect(results.filter(({ ok }) => ok).length).toBe(1);
        for (const result of results) if (!result.ok) expect(result).toEqual(conflict(stream, version + 1));
      }
      expect((await logs[0]?.readStream(stream))?.map(({ version }) => version)).toEqual([0, 1, 2, 3, 4]);
    });

    test('who append to one stream whatever it is: all are recorded, in one order, in streams and in the log', async () => {
      const logs = [open(), open()];
      const start = await (logs[0] as EventLog).head();
      const [shared, other] = [fresh('node'), fresh('node')];
      const results = await Promise.all(
        Array.from({ length: 60 }, (_, n) => {
          const own: [string, ExpectedVersion, ReturnType<typeof said>] = [
            fresh('node'),
            'no-stream',
            said(`own ${n}`),
          ];
          const log = logs[n % 2] as EventLog;
          return log.append(appendOf([shared, 'any', said(`${n}`)], own, [other, 'any', said(`${n}`)]));
        }),
      );
      expect(results.every(({ ok }) => ok)).toBe(true);
      await expectSound(logs[0] as EventLog, start, results);
      expect((await (logs[0] as EventLog).readStream(shared)).length).toBe(60);
    });
  });

  test('two who each pin what the other writes: one of them is told of a conflict', async () => {
    const [mine, theirs] = [open(), open()];
    for (let round = 0; round < 20; round += 1) {
      const [a, b] = [fresh('node'), fresh('node')];
      const results = await Promise.all([
        mine.append(appendOf([a, 'no-stream'], [b, 'any', said('mine')])),
        theirs.append(appendOf([b, 'no-stream'], [a, 'any', said('theirs')])),
      ]);
      expect(results.filter(({ ok }) => ok).length).toBe(1);
      const there = [...(await mine.readStream(a)), ...(await mine.readStream(b))];
      expect(there.length).toBe(1);
    }
  });

  test('what no log can hold is refused, and leaves nothing', async () => {
    const log = open();
    const head = await log.head();
    const stream = fresh('node');
    const huge = said('x'.repeat(300_000));
    await expect(log.append(appendOf([stream, 'any', said('fits'), huge]))).rejects.toThrow(RangeError);
    await expect(log.append(appendOf([stream, 'any', said('1')], [stream, 'any', said('2')]))).rejects.toThrow('twice');
    for (const name of ['', 'x'.repeat(256), 'node-\0', 'node-\ud800']) {
      await expect(log.append(appendOf([name, 'any', said('1')]))).rejects.toThrow(RangeError);
      const named = { ...appendOf([stream, 'any', said('1')]), metadata: { ...metadata, tenantId: name } };
      await expect(log.append(named)).rejects.toThrow(RangeError);
      await expect(log.append(appendOf([stream, 'any', { type: name, data: {} }]))).rejects.toThrow(RangeError);
    }
    // By what a version stands for in the statement, these would have been "there", "any", and one that no column holds.
    for (const version of [-2, -3, 2 ** 31, 1.5, Number.NaN, 'Any' as 'any']) {
      await expect(log.append(appendOf([stream, version, said('1')]))).rejects.toThrow(RangeError);
    }
    await expect(log.append(appendOf([stream, 'any', { type: 'NoSuchEvent', data: {} }]))).rejects.toThrow(
      'NoSuchEvent',
    );
    expect(await log.head()).toBe(head);
    expect(await log.readStream(stream)).toEqual([]);
  });
}

/** What holds of every log at every moment: versions without a gap, one order, and every acknowledged append whole. */
export async function expectSound(log: EventLog, start: bigint, results: readonly AppendResult[]): Promise<void> {
  const events = await eventsAfter(log, start);
  const versions = new Map<string, number>();
  let last = start;
  for (const { position, stream, version } of events) {
    expect(position).toBeGreaterThan(last);
    last = position;
    expect(version).toBe((versions.get(stream) ?? -1) + 1);
    versions.set(stream, version);
  }
  const positions = new Set(events.map(({ position }) => position));
  for (const result of results) {
    if (!result.ok) continue;
    expect(positions.has(result.firstPosition)).toBe(true);
    expect(positions.has(result.lastPosition)).toBe(true);
  }
  for (const stream of versions.keys()) {
    const read = await log.readStream(stream);
    expect(read).toEqual(events.filter((event) => event.stream === stream));
  }
}
