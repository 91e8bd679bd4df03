import { afterAll, beforeAll, expect, test } from 'vitest';
import { redisBinaries } from '#test/tools/redis-binaries.ts';
import { createEngine } from '../engine.ts';
import { Node } from '../keyspace/node.ts';
import { rdbCodec } from '../persistence/codec.ts';
import { openSide } from './pair.ts';
import { DIFFERENTIAL_SETTINGS, startReference } from './reference.ts';
import type { ReferenceServer } from './reference.ts';
import { findDifference } from './run.ts';

/** RESP_SEED begins elsewhere or replays a run; `npm run test:differential` makes runs of any length. */
const firstSeed = Number(process.env['RESP_SEED'] ?? 2000);
const COMMANDS = 10_000;
const PER_SEED = 1000;

const engine = createEngine({ defaultNode: new Node({ id: 'differential' }), codec: rdbCodec });
let reference: ReferenceServer;
let port = 0;

beforeAll(async () => {
  const { server, env } = await redisBinaries();
  reference = await startReference(server, env, DIFFERENTIAL_SETTINGS);
  port = await engine.listen({ port: 0 });
}, 120_000);

afterAll(async () => {
  await engine.close();
  await reference.stop();
});

test('random commands get the replies of a real redis-server', { timeout: 600_000 }, async () => {
  console.log(`differential test: RESP_SEED=${firstSeed}`);
  const ours = await openSide(port);
  const theirs = await openSide(reference.port);
  for (let seed = firstSeed; seed < firstSeed + COMMANDS / PER_SEED; seed++) {
    const difference = await findDifference(ours, theirs, seed, PER_SEED);
    expect(difference, `RESP_SEED=${seed}`).toBeUndefined();
  }
  ours.close();
  theirs.close();
});
