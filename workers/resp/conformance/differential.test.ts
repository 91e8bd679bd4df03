import { expect, test } from 'vitest';
import { besideReference } from '#test/tools/beside-redis.ts';
import { rdbCodec } from '../persistence/codec.ts';
import { openSide } from './pair.ts';
import { DIFFERENTIAL_SETTINGS } from './reference.ts';
import { findDifference } from './run.ts';

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
