import { expect, test } from 'vitest';
import { besideReference } from '#test/tools/beside-redis.ts';
import { rdbCodec } from '../persistence/codec.ts';
import { openSide } from './pair.ts';
import { DIFFERENTIAL_SETTINGS } from './reference.ts';
import { findDifference } from './run.ts';
import { CLOSED } from './wire.ts';

/** RESP_SEED begins elsewhere or replays a run; `npm run test:differential` makes runs of any length. */
const firstSeed = Number(process.env['RESP_SEED'] ?? 2000);
const COMMANDS = 10_000;
const PER_SEED = 1000;

const beside = besideReference({ codec: rdbCodec, theirSettings: DIFFERENTIAL_SETTINGS });

test('random commands get the replies of a real redis-server', { timeout: 600_000 }, async () => {
  console.log(`differential test: RESP_SEED=${firstSeed}`);
  const ours = await openSide(beside.ports[0]);
  const theirs = await openSide(beside.ports[1]);
  for (let seed = firstSeed; seed < firstSeed + COMMANDS / PER_SEED; seed++) {
    const difference = await findDifference(ours, theirs, seed, PER_SEED);
    expect(difference, `RESP_SEED=${seed}`).toBeUndefined();
  }
  ours.close();
  theirs.close();
});

test('a connection that a server closes is noticed, and there again in the next run', async () => {
  const side = await openSide(beside.ports[0]);
  const [id] = await side.send(0, [['CLIENT', 'ID']]);
  await side.send(1, [['CLIENT', 'KILL', 'ID', id!.slice(1, -2)]]);
  expect(await side.send(0, [['PING'], ['PING']])).toEqual([CLOSED, CLOSED]);
  expect(side.closings).toEqual(['PING']);
  await side.reset('2');
  expect(await side.send(0, [['PING']])).toEqual(['+PONG\r\n']);
  side.close();
});
