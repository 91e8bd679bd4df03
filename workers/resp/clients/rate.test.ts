import { onTestFinished, test, expect } from 'vitest';

import { openWire } from '../conformance/wire.ts';
import { createEngine } from '../engine.ts';
import { Node } from '../keyspace/node.ts';

test('a node that does more than it may is kept waiting, in order and counted; its neighbour is not', async () => {
  const nodes = new Map(['bound', 'free'].map((id) => [id, new Node({ id })]));
  const bound = nodes.get('bound');
  if (bound === undefined) throw new Error('unreachable');
  bound.rateLimits = { commandsPerSecond: 1000, bytesPerSecond: 0 };
  const engine = createEngine({
    authenticate({ password }) {
      const node = nodes.get(password);
      return node === undefined ? {} : { node };
    },
  });
  onTestFinished(() => engine.close());
  const port = await engine.listen({ port: 0 });
  const [slow, fast] = await Promise.all([openWire(port), openWire(port)]);
  onTestFinished(() => [slow, fast].forEach((wire) => wire.close()));
  await Promise.all([slow.batch([['AUTH', 'bound']]), fast.batch([['AUTH', 'free']])]);
  const increments = Array.from({ length: 500 }, () => ['INCR', 'n']);
  const startedAt = performance.now();
  const replies: string[] = [];
  for (let round = 0; round < 4; round++) replies.push(...(await slow.batch(increments)));
  expect(replies).toEqual(Array.from({ length: 2000 }, (_, n) => `:${n + 1}\r\n`));
  // The first thousand are free, and no more than half a thousand is overdrawn.
  expect(performance.now() - startedAt).toBeGreaterThan(400);
  expect(bound.throttledReads).toBeGreaterThan(0);
  const [info] = await slow.batch([['INFO', 'stats']]);
  expect(info).toMatch(/throttled_reads:[1-9]/);
  await fast.batch(increments);
  expect(nodes.get('free')?.throttledReads).toBe(0);
});
