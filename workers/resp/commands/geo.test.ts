import { expect, test } from 'vitest';

import { createEngine } from '../engine.ts';
import type { Effect } from '../keyspace/journal.ts';
import { Node } from '../keyspace/node.ts';
import { digestOf } from '../persistence/testing/keyspaces.ts';

test('places are what the documentation of Redis shows, and the journal holds sorted sets', async () => {
  const effects: Effect[] = [];
  const journal = {
    append: (db: number, args: readonly string[]) => void effects.push({ db, args }),
    appendBlock: (block: readonly Effect[]) => void effects.push(...block),
    records: true,
    holdsReplies: false,
    isDurable: false,
    whenKept: (callback: (durable: boolean) => void) => callback(true),
    whenDurable: (callback: (durable: boolean) => void) => callback(true),
    failure: undefined,
  };
  const node = new Node({ id: 'geo', journal });
  const engine = createEngine({ defaultNode: node });
  const run = (line: string) => engine.execute(node, line.split(' '));
  expect(await run('GEOADD Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania')).toBe(2);
  expect(await run('GEODIST Sicily Palermo Catania')).toBe('166274.1516');
  expect(await run('GEODIST Sicily Palermo Catania mi')).toBe('103.3182');
  expect(await run('GEOHASH Sicily Palermo Catania none')).toEqual(['sqc8b49rny0', 'sqdtr74hyu0', null]);
  expect(await run('GEOPOS Sicily Palermo')).toEqual([[13.361389338970184, 38.1155563954963]]);
  expect(await run('GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX 400 400 km DESC WITHDIST')).toEqual([
    ['Palermo', '190.4424'],
    ['Catania', '56.4413'],
  ]);
  expect(await run('GEOSEARCHSTORE near Sicily FROMLONLAT 15 37 BYRADIUS 100 km STOREDIST')).toBe(1);
  expect(await run('GEORADIUS Sicily 15 37 1 km STORE near')).toBe(0);
  expect(effects.map(({ args }) => args)).toEqual([
    ['ZADD', 'Sicily', '3479099956230698', 'Palermo', '3479447370796909', 'Catania'],
    ['DEL', 'near'],
    ['ZADD', 'near', expect.stringMatching(/^56\.441257/), 'Catania'],
    ['DEL', 'near'],
  ]);
  const copy = new Node({ id: 'copy' });
  for (const { db, args } of effects) engine.applyJournaled(copy, db, args);
  expect(digestOf(copy)).toBe(digestOf(node));
  await engine.close();
});
