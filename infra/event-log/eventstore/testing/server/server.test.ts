/** What EventStoreDB's own client finds: the test server, or a real one when `EVENTSTORE_URL` names it, so that the two are compared. */
import { readFileSync } from 'node:fs';

import {
  EventStoreDBClient,
  binaryEvent,
  eventTypeFilter,
  jsonEvent,
  persistentSubscriptionToAllSettingsFromDefaults,
  persistentSubscriptionToStreamSettingsFromDefaults,
  streamNameFilter,
  type ResolvedEvent,
} from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { fresh, freshCategory, until } from '../../../testing/contract/store.ts';
import { startTestServer, type TestServer } from './start.ts';

const real = process.env['EVENTSTORE_URL'] ?? '';
let server: TestServer | undefined;
let client: EventStoreDBClient;

beforeAll(async () => {
  server = real === '' ? await startTestServer() : undefined;
  client = EventStoreDBClient.connectionString(server?.url ?? real);
});
afterAll(async () => {
  await client.dispose();
  await server?.close();
});

const event = (text: string, id: string = crypto.randomUUID()) =>
  binaryEvent({ id, type: 'Said', data: Buffer.from(text), metadata: Buffer.from(JSON.stringify({ about: text })) });

const texts = (events: readonly ResolvedEvent[]) =>
  events.map(({ event: found }) => Buffer.from(found?.data as Uint8Array).toString('utf8'));

async function gather<Item>(items: AsyncIterable<Item>, count = Infinity): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) {
    all.push(item);
    if (all.length >= count) break;
  }
  return all;
}

describe('appends', () => {
  const expectations = [
    ['any', true, true],
    ['no_stream', true, false],
    ['stream_exists', false, true],
    [0n, false, true],
    [7n, false, false],
  ] as const;
  // Calls with credentials go by the plain append, others by the batched one.
  const ways = [
    ['append', { credentials: { username: 'admin', password: 'changeit' } }],
    ['batchAppend', {}],
  ] as const;
  describe.each(ways)('by %s', (_way, options) => {
    test.each(expectations)('expecting %s', async (expectedRevision, onNothing, onRevision0) => {
      const [there, missing] = [fresh('es'), fresh('es')];
      await client.appendToStream(there, event('first'), options);
      const attempt = (stream: string) => client.appendToStream(stream, event('x'), { ...options, expectedRevision });
      if (onNothing) expect(await attempt(missing)).toMatchObject({ success: true, nextExpectedRevision: 0n });
      else
        await expect(attempt(missing)).rejects.toMatchObject({
          type: 'wrong-expected-version',
          actualVersion: 'no_stream',
        });
      if (onRevision0) expect(await attempt(there)).toMatchObject({ success: true, nextExpectedRevision: 1n });
      else await expect(attempt(there)).rejects.toMatchObject({ type: 'wrong-expected-version', actualVersion: 0n });
    });

    test('that are sent again are recognised by their ids, where and how they were first written', async () => {
      const stream = fresh('es');
      const events = [event('one'), event('two')];
      const first = await client.appendToStream(stream, events, { ...options, expectedRevision: 'no_stream' });
      await client.appendToStream(stream, event('three'), options);
      const again = await client.appendToStream(stream, events, { ...options, expectedRevision: 'no_stream' });
      expect(again).toEqual(first);
      expect(
        (await client.appendToStream(stream, events, { ...options, expectedRevision: 'any' })).nextExpectedRevision,
      ).toBe(1n);
      await expect(
        client.appendToStream(stream, [events[0] ?? event(''), event('other')], {
          ...options,
          expectedRevision: 'no_stream',
        }),
      ).rejects.toMatchObject({ type: 'wrong-expected-version' });
      expect(texts(await gather(client.readStream(stream)))).toEqual(['one', 'two', 'three']);
    });

    test('that are too large are refused', async () => {
      const huge = event('x'.repeat(1024 * 1024 + 1));
      await expect(client.appendToStream(fresh('es'), huge, options)).rejects.toMatchObject({
        type: 'maximum-append-size-exceeded',
      });
    });
  });
});

test('a stream is read forward and backward, from any revision, with its metadata, its type and its place', async () => {
  const stream = fresh('es');
  await client.appendToStream(
    stream,
    ['0', '1', '2', '3', '4'].map((text) => event(text)),
  );
  const read = async (options: Parameters<EventStoreDBClient['readStream']>[1]) =>
    texts(await gather(client.readStream(stream, options)));
  expect(await read({})).toEqual(['0', '1', '2', '3', '4']);
  expect(await read({ fromRevision: 3n })).toEqual(['3', '4']);
  expect(await read({ fromRevision: 9n })).toEqual([]);
  expect(await read({ maxCount: 2 })).toEqual(['0', '1']);
  expect(await read({ direction: 'backwards', fromRevision: 'end', maxCount: 2 })).toEqual(['4', '3']);
  expect(await read({ direction: 'backwards', fromRevision: 1n })).toEqual(['1', '0']);
  const [first] = await gather(client.readStream(stream, { maxCount: 1 }));
  expect(first?.event).toMatchObject({
    streamId: stream,
    type: 'Said',
    revision: 0n,
    isJson: false,
    metadata: { about: '0' },
  });
  expect(first?.event?.position?.commit).toBe(first?.commitPosition);
  await expect(gather(client.readStream(fresh('es')))).rejects.toMatchObject({ type: 'stream-not-found' });
});

test('the whole log is read in the order of positions, from a position on, and not from between two', async () => {
  const stream = fresh('es');
  await client.appendToStream(
    stream,
    ['0', '1', '2'].map((text) => event(text)),
  );
  const [last, middle] = await gather(client.readStream(stream, { direction: 'backwards', fromRevision: 'end' }));
  const from = { commit: middle?.commitPosition ?? 0n, prepare: middle?.commitPosition ?? 0n };
  const onward = await gather(client.readAll({ fromPosition: from, maxCount: 2 }));
  expect(texts(onward)).toEqual(['1', '2']);
  expect(last?.commitPosition).toBeGreaterThan(from.commit);
  const backward = await gather(client.readAll({ fromPosition: from, direction: 'backwards', maxCount: 1 }));
  expect(texts(backward)).toEqual(['0']);
  const between = { commit: from.commit + 1n, prepare: from.commit + 1n };
  await expect(gather(client.readAll({ fromPosition: between, maxCount: 1 }))).rejects.toThrow();
});

describe('subscriptions', () => {
  test('to a stream get what is there and what comes', async () => {
    const stream = fresh('es');
    await client.appendToStream(stream, [event('0'), event('1')]);
    const subscription = client.subscribeToStream(stream, { fromRevision: 0n });
    const seen = gather(subscription, 3);
    await client.appendToStream(stream, [event('2'), event('3')]);
    expect(texts(await seen)).toEqual(['1', '2', '3']);
  });

  test.each(['prefix', 'regex', 'type'] as const)(
    'to everything are filtered by %s, and tell how far they have come',
    async (by) => {
      const category = freshCategory();
      const checkpoints: bigint[] = [];
      const options = {
        checkpointInterval: 1,
        maxSearchWindow: 4,
        checkpointReached: (_: unknown, { commit }: { commit: bigint }) => void checkpoints.push(commit),
      };
      const filters = {
        prefix: streamNameFilter({ prefixes: [`${category}-`], ...options }),
        regex: streamNameFilter({ regex: `^${category}-\\d+$`, ...options }),
        type: eventTypeFilter({ regex: `^${category}$`, ...options }),
      };
      for (let n = 0; n < 12; n += 1) {
        const wanted = n % 3 === 0;
        const data = Buffer.from(`${n}`);
        const type = wanted ? category : 'Other';
        await client.appendToStream(wanted ? `${category}-${n}` : fresh('es'), binaryEvent({ type, data }));
      }
      const subscription = client.subscribeToAll({ fromPosition: 'start', filter: filters[by] });
      let caughtUp = false;
      subscription.on('caughtUp', () => {
        caughtUp = true;
      });
      expect(texts(await gather(subscription, 4))).toEqual(['0', '3', '6', '9']);
      expect(checkpoints).toEqual(checkpoints.toSorted((a, b) => (a < b ? -1 : 1)));
      expect(checkpoints.length).toBeGreaterThan(1);
      expect(caughtUp).toBe(false);
    },
  );
});

describe('streams that end', () => {
  test('softly come back with the next event, at the revision that is due', async () => {
    const stream = fresh('es');
    await client.appendToStream(stream, [event('0'), event('1')]);
    await client.deleteStream(stream);
    await expect(gather(client.readStream(stream))).rejects.toMatchObject({ type: 'stream-not-found' });
    expect((await client.appendToStream(stream, event('2'))).nextExpectedRevision).toBe(2n);
    expect(texts(await gather(client.readStream(stream)))).toEqual(['2']);
  });

  test('for good refuse everything', async () => {
    const stream = fresh('es');
    await client.appendToStream(stream, event('0'));
    await client.tombstoneStream(stream);
    await expect(client.appendToStream(stream, event('1'))).rejects.toMatchObject({ type: 'stream-deleted' });
    await expect(gather(client.readStream(stream))).rejects.toMatchObject({ type: 'stream-deleted' });
  });

  test('in part keep what their metadata says', async () => {
    const stream = fresh('es');
    await client.appendToStream(
      stream,
      ['0', '1', '2', '3'].map((text) => event(text)),
    );
    await client.setStreamMetadata(stream, { maxCount: 3 });
    expect(texts(await gather(client.readStream(stream)))).toEqual(['1', '2', '3']);
    await client.setStreamMetadata(stream, { truncateBefore: 3 });
    expect(texts(await gather(client.readStream(stream)))).toEqual(['3']);
    expect((await client.getStreamMetadata(stream)).metadata).toMatchObject({ truncateBefore: 3 });
    // A metadata stream is a stream like any other, whose name begins with two dollars.
    expect((await gather(client.readStream(`$$${stream}`))).length).toBe(2);
  });
});

describe('persistent subscriptions', () => {
  test('deal a stream out, take back what was not handled, and park what never is', async () => {
    const [stream, group] = [fresh('es'), fresh('group')];
    const settings = persistentSubscriptionToStreamSettingsFromDefaults({ startFrom: 'start', maxRetryCount: 1 });
    await client.createPersistentSubscriptionToStream(stream, group, settings);
    await expect(client.createPersistentSubscriptionToStream(stream, group, settings)).rejects.toMatchObject({
      type: 'persistent-subscription-exists',
    });
    await client.appendToStream(
      stream,
      ['0', 'poison', '2'].map((text) => event(text)),
    );
    const subscription = client.subscribeToPersistentSubscriptionToStream(stream, group, { bufferSize: 1 });
    const seen: [string, number][] = [];
    for await (const delivery of subscription) {
      const [text = ''] = texts([delivery]);
      seen.push([text, delivery.retryCount]);
      if (text === 'poison') await subscription.nack('retry', 'not now', delivery);
      else await subscription.ack(delivery);
      if (seen.length === 4) break;
    }
    await subscription.unsubscribe();
    expect(seen.map(([text, retries]) => `${text} ${retries}`).toSorted()).toEqual([
      '0 0',
      '2 0',
      'poison 0',
      'poison 1',
    ]);
    await until(async () => {
      const { stats, connections } = await client.getPersistentSubscriptionToStreamInfo(stream, group);
      return stats.parkedMessageCount === 1n && connections.length === 0;
    });
    await client.replayParkedMessagesToStream(stream, group);
    const late = client.subscribeToPersistentSubscriptionToStream(stream, group);
    expect(texts(await gather(late, 1))).toEqual(['poison']);
    await late.unsubscribe();
    await client.deletePersistentSubscriptionToStream(stream, group);
    await expect(gather(client.subscribeToPersistentSubscriptionToStream(stream, group))).rejects.toMatchObject({
      type: 'persistent-subscription-does-not-exist',
    });
  });

  test('to everything are filtered, too, and shared by their subscribers', async () => {
    const [category, group] = [freshCategory(), fresh('group')];
    const settings = persistentSubscriptionToAllSettingsFromDefaults({ startFrom: 'end' });
    await client.createPersistentSubscriptionToAll(group, settings, {
      filter: streamNameFilter({ prefixes: [`${category}-`] }),
    });
    const subscribers = [1, 2].map(() => client.subscribeToPersistentSubscriptionToAll(group, { bufferSize: 5 }));
    const shares = subscribers.map((subscription) => {
      const share: string[] = [];
      subscription.on('data', (delivery) => {
        share.push(...texts([delivery]));
        void subscription.ack(delivery);
      });
      return share;
    });
    for (let n = 0; n < 10; n += 1) {
      await client.appendToStream(`${category}-1`, event(`${n}`));
      await client.appendToStream(fresh('es'), event('none of theirs'));
    }
    await until(() => shares.flat().length >= 10);
    expect(shares.flat().toSorted()).toEqual(Array.from({ length: 10 }, (_, n) => `${n}`));
    for (const share of shares) expect(share.length).toBeGreaterThan(0);
    await Promise.all(subscribers.map((subscription) => subscription.unsubscribe()));
    await client.deletePersistentSubscriptionToAll(group);
  });
});

describe.skipIf(real !== '')('a server with TLS and users', () => {
  const files = new URL('../', import.meta.url);
  const certificateFile = new URL('localhost-certificate.pem', files).pathname;
  let secure: TestServer;

  beforeAll(async () => {
    const tls = { certificate: readFileSync(certificateFile), key: readFileSync(new URL('localhost-key.pem', files)) };
    secure = await startTestServer({ tls, users: { admin: 'changeit', ops: 'secret' } });
  });
  afterAll(() => secure.close());

  async function as<Result>(user: string, work: (client: EventStoreDBClient) => Promise<Result>): Promise<Result> {
    const url = `esdb://${user}localhost:${secure.port}?tls=true&tlsCAFile=${certificateFile}`;
    const one = EventStoreDBClient.connectionString(url);
    try {
      return await work(one);
    } finally {
      await one.dispose();
    }
  }

  test('lets in whom it knows, and nobody but the administrator into its own streams', async () => {
    const json = jsonEvent({ type: 'Said', data: { text: 'x' } });
    const append = (stream: string) => (one: EventStoreDBClient) => one.appendToStream(stream, json);
    const refused = { type: 'access-denied' };
    expect(await as('ops:secret@', append('es-1'))).toMatchObject({ success: true });
    await expect(as('ops:wrong@', append('es-1'))).rejects.toMatchObject(refused);
    await expect(as('', append('es-1'))).rejects.toMatchObject(refused);
    await expect(as('ops:secret@', append('$system'))).rejects.toMatchObject(refused);
    expect(await as('admin:changeit@', append('$system'))).toMatchObject({ success: true });
  });

  test('is found by gossip as well', async () => {
    const url = `esdb+discover://ops:secret@localhost:${secure.port}?tls=true&tlsCAFile=${certificateFile}`;
    const one = EventStoreDBClient.connectionString(url);
    expect(await one.appendToStream(fresh('es'), event('x'))).toMatchObject({ success: true });
    await one.dispose();
  });
});
