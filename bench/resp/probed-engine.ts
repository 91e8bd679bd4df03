/**
 * An engine that can be asked what it weighs: after a garbage collection, which a server in use does when it sees fit. Its
 * parent sends `measure` and gets a Weight. `--nodes N` makes as many nodes beside the one that the port leads to, each with
 * its journal in one write-ahead log, as a node manager's processes have them.
 */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createEngine } from '#workers/resp/engine.ts';
import { giveBackWhenIdle } from '#workers/resp/give-back.ts';
import { Node } from '#workers/resp/keyspace/node.ts';
import { openWal } from '#workers/resp/persistence/wal/wal.ts';
import type { Weight } from './weigh.ts';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, nodes: { type: 'string', default: '0' } },
});
const node = new Node({ id: 'weighed' });
const engine = createEngine({ defaultNode: node });
await engine.listen({ port: Number(values.port) });

const wal = await openWal({
  dir: await mkdtemp(join(process.cwd(), 'wal-')),
  apply: (made, db, args) => engine.applyJournaled(made, db, args),
});
const count = Number(values.nodes);
const nodes: Node[] = [];
const began = performance.now();
for (let index = 0; index < count; index++) {
  const made = new Node({ id: `node_${String(index).padStart(26, '0')}`, maxMemory: 2 ** 20 });
  engine.adopt(made);
  nodes.push(made);
  await wal.openNode({ node: made, epoch: 1, durability: 'everysec' });
}
const creation_us = ((performance.now() - began) / count) * 1000;

async function weight(): Promise<Weight> {
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.();
    await sleep(50);
  }
  const { heapUsed, external } = process.memoryUsage();
  return { grown: heapUsed + external, accounted: node.usedBytes, creation_us };
}

process.on('message', (message) => {
  if (message === 'measure') void weight().then((answer) => process.send?.(answer));
  // Every node is used once: it has had a client, and holds a key.
  if (message === 'use') void useAll().then(() => process.send?.('used'));
});

process.on('disconnect', () => process.exit(0));
giveBackWhenIdle();

async function useAll(): Promise<void> {
  for (const one of nodes) await engine.execute(one, ['SET', 'key', 'value']);
}
