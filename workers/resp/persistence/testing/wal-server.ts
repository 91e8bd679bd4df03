import { createEngine } from '../../engine.ts';
import { Node } from '../../keyspace/node.ts';
import { openWal } from '../wal/wal.ts';

/** An engine as a platform's process runs it: nodes in one write-ahead log, and a port where the password tells the node. */
const [dir] = process.argv.slice(2);
const nodes = new Map<string, Node>();
const engine = createEngine({
  authenticate: ({ password }) => {
    const node = nodes.get(password);
    return node === undefined ? {} : { node };
  },
});
const wal = await openWal({
  dir: dir!,
  apply: (node, db, args) => engine.applyJournaled(node, db, args),
  segmentBytes: 200_000,
  nodeBytes: 150_000,
  logBytes: 600_000,
});
for (const durability of ['always', 'everysec'] as const) {
  const node = new Node({ id: durability });
  await wal.openNode({ node, epoch: 1, durability });
  nodes.set(durability, node);
  engine.adopt(node);
}
const port = await engine.listen({ port: 0 });
console.log(`Ready to accept connections on 127.0.0.1:${port}`);
