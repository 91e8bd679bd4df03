import { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { besideReference } from '#test/tools/beside-redis.ts';
import { rdbCodec } from '../persistence/codec.ts';
import { createGenerator, seeded } from './generate.ts';
import { DIFFERENTIAL_SETTINGS } from './reference.ts';
import { openWire } from './wire.ts';
import type { Wire } from './wire.ts';

const firstSeed = Number(process.env['RESP_SEED'] ?? Math.floor(Math.random() * 1e9));
const SEEDS = 8;
const BATCHES = 40;

const beside = besideReference({ codec: rdbCodec, theirSettings: DIFFERENTIAL_SETTINGS });

/** A connection, and what another one that listens to all keyspace events hears. */
async function listen(
  port: number,
): Promise<{ wire: Wire; heard: (marker: string) => Promise<string[]>; close: () => void }> {
  const subscriber = new Redis(port, { retryStrategy: null });
  subscriber.on('error', () => undefined);
  let events: string[] = [];
  let ended: ((marker: string) => void) | undefined;
  subscriber.on('pmessageBuffer', (_pattern, channel: Buffer, message: Buffer) => {
    const [name, text] = [channel.toString('latin1'), message.toString('latin1')];
    if (name === '__key:end') ended?.(text);
    else events.push(`${name} ${text}`);
  });
  await subscriber.psubscribe('__key*');
  const wire = await openWire(port);
  const heard = async (marker: string): Promise<string[]> => {
    const arrived = new Promise<void>((resolve) => {
      ended = (text) => void (text === marker && resolve());
    });
    await Promise.all([wire.batch([['PUBLISH', '__key:end', marker]]), arrived]);
    const all = events;
    events = [];
    return all;
  };
  const close = (): void => {
    wire.close();
    subscriber.disconnect();
  };
  return { wire, heard, close };
}

/** Keys that expire within the test would do so at other moments on each side. */
function expiresSoon([name, ...args]: readonly string[]): boolean {
  return /ex|^set$/i.test(name!) && args.some((word) => Number(word) > 0 && Number(word) < 1000);
}

/** In 7.2 these make their consumer even when they find nothing, in the reference, 7.0, they do not. */
function makesConsumers([name]: readonly string[]): boolean {
  return /^x(?:readgroup|claim|autoclaim)$/i.test(name!);
}

/** Redis counts with 80 bits, so that it can add what is no double. */
function beyondDoubles(words: readonly string[]): boolean {
  return words.includes('1e400');
}

test(
  'random commands cause the events that a real redis-server sends, in its order',
  { timeout: 120_000 },
  async () => {
    console.log(`notifications: RESP_SEED=${firstSeed}`);
    const sides = await Promise.all(beside.ports.map(listen));
    for (const { wire } of sides)
      await wire.batch([['CONFIG', 'SET', 'notify-keyspace-events', process.env['RESP_EVENTS'] ?? 'KEA']]);
    for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
      const next = createGenerator(seeded(seed));
      for (const { wire, heard } of sides) {
        await wire.batch([['DISCARD'], ['SELECT', '0'], ['FLUSHALL']]);
        await heard('begin');
      }
      for (let batch = 0; batch < BATCHES; batch++) {
        const requests = Array.from({ length: 25 }, next).filter(
          (words) => !expiresSoon(words) && !makesConsumers(words) && !beyondDoubles(words),
        );
        const hear = async ({ wire, heard }: (typeof sides)[number]): Promise<string[]> => {
          await wire.batch([...requests, ['DISCARD']]);
          return heard(`${seed}:${batch}`);
        };
        const told = await Promise.all(sides.map(hear));
        expect(told[0], `RESP_SEED=${seed} after ${requests.map((words) => words.join(' ')).join('\n')}`).toEqual(
          told[1],
        );
      }
    }
    for (const { close } of sides) close();
  },
);

/** Nothing is under `none`, and something expired, but not removed, under `d`. */
const ABOUT_NOTHING = `
GEOSEARCHSTORE d none FROMLONLAT 0 0 BYRADIUS 1 km
GEORADIUS none 0 0 1 km STORE d
SINTERSTORE d none none
ZUNIONSTORE d 1 none
ZRANGESTORE d none 0 1
SORT none STORE d
BITOP AND d none
MEMORY USAGE d
SETRANGE d 0 x
SETRANGE none 0 ""
XACK none g 1-1
XCLAIM none g c 0 1-1
XAUTOCLAIM none g c 0 0
XAUTOCLAIM none g c 0 0 COUNT 0
XREAD STREAMS none none $ 0
PFCOUNT none
PFCOUNT none none
BITFIELD none GET u8 0
BITFIELD d SET u8 0 1
SET none x GET
GETEX none
GETDEL d
`;

test.each(ABOUT_NOTHING.trim().split('\n'))(
  'what is missed or has expired is told of as a real redis-server does: %s',
  async (line) => {
    const request = line.split(' ').map((word) => (word === '""' ? '' : word));
    const told = await Promise.all(
      beside.ports.map(async (port) => {
        const { wire, heard, close } = await listen(port);
        await wire.batch([
          ['FLUSHALL'],
          ['DEBUG', 'SET-ACTIVE-EXPIRE', '0'],
          ['CONFIG', 'SET', 'notify-keyspace-events', 'KEAm'],
          ['SET', 'd', 'x', 'PX', '1'],
        ]);
        await sleep(5);
        const replies = await wire.batch([request, ['DBSIZE']]);
        if (request[0] === 'MEMORY') replies[0] = replies[0]![0]!;
        const events = await heard(line);
        // What has expired must not be told to the listener of the next request.
        await wire.batch([['FLUSHALL'], ['DEBUG', 'SET-ACTIVE-EXPIRE', '1']]);
        close();
        return [...replies, ...events];
      }),
    );
    expect(told[0]).toEqual(told[1]);
  },
);

test('notify-keyspace-events is shown in its normal form', async () => {
  const wires = await Promise.all(beside.ports.map(openWire));
  for (const classes of ['', 'KEA', 'AKE', 'g$lshzxetdKE', 'Kg', 'gK', 'E', 'xE', 'KEm', 'mA', 'zhslKE$', 'q', 'AA']) {
    const requests = [
      ['CONFIG', 'SET', 'notify-keyspace-events', classes],
      ['CONFIG', 'GET', 'notify-keyspace-events'],
    ];
    const [ours, theirs] = await Promise.all(wires.map((wire) => wire.batch(requests)));
    expect(ours![1], classes).toBe(theirs![1]);
  }
  for (const wire of wires) wire.close();
});
