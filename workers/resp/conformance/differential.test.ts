import { afterAll, beforeAll, expect, test } from 'vitest';
import { redisBinaries } from '#test/tools/redis-binaries.ts';
import { createEngine } from '../engine.ts';
import { Node } from '../keyspace/node.ts';
import { rdbCodec } from '../persistence/codec.ts';
import { startReference } from './reference.ts';
import type { ReferenceServer } from './reference.ts';
import { findDifference } from './run.ts';
import { openWire } from './wire.ts';

/** RESP_SEED begins elsewhere or replays a run, RESP_COMMANDS lengthens it; by default it is the same short run. */
const firstSeed = Number(process.env['RESP_SEED'] ?? 2000);
const commands = Number(process.env['RESP_COMMANDS'] ?? 10_000);
const PER_SEED = 1000;

const engine = createEngine({ defaultNode: new Node({ id: 'differential' }), codec: rdbCodec });
let reference: ReferenceServer;
let port = 0;

beforeAll(async () => {
  const { server, env } = await redisBinaries();
  reference = await startReference(server, env);
  port = await engine.listen({ port: 0 });
}, 120_000);

afterAll(async () => {
  await engine.close();
  await reference.stop();
});

for (const protocol of ['2', '3']) {
  test(
    `random commands get the replies of a real redis-server over RESP${protocol}`,
    { timeout: 600_000 },
    async () => {
      console.log(`differential test RESP${protocol}: RESP_SEED=${firstSeed}`);
      const ours = await openWire(port);
      const theirs = await openWire(reference.port);
      await ours.batch([['HELLO', protocol]]);
      await theirs.batch([['HELLO', protocol]]);
      for (let seed = firstSeed; seed < firstSeed + commands / PER_SEED / 2; seed++) {
        const difference = await findDifference(ours, theirs, seed, PER_SEED);
        expect(difference, `RESP_SEED=${seed}`).toBeUndefined();
      }
      ours.close();
      theirs.close();
    },
  );
}
