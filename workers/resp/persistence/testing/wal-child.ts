import { Node } from '../../keyspace/node.ts';
import { engine, openLog } from './wal-lab.ts';

/**
 * Writes into `always` nodes of the log in the folder given until it is killed, and tells on its standard output what has
 * been acknowledged: `<node> <number>`. Each write is a transaction over two keys that must stay equal.
 */
const [dir, ...ids] = process.argv.slice(2);
const wal = await openLog(dir!, { segmentBytes: 40_000, nodeBytes: 60_000, logBytes: 150_000 });

async function load(id: string): Promise<void> {
  const node = new Node({ id });
  await wal.openNode({ node, epoch: 1, durability: 'always' });
  const start = Number(await engine.execute(node, ['GET', 'x'])) || 0;
  for (let n = start + 1; ; n++) {
    const padding = 'p'.repeat(n % 300);
    node.journal!.appendBlock([
      { db: 0, args: ['SET', 'x', String(n)] },
      { db: 0, args: ['SET', `padding${n % 20}`, padding] },
      { db: 0, args: ['SET', 'y', String(n)] },
    ]);
    for (const [key, value] of [
      ['x', String(n)],
      [`padding${n % 20}`, padding],
      ['y', String(n)],
    ] as const) {
      node.database(0).put(key, value);
    }
    if (!(await new Promise<boolean>((resolve) => node.journal!.whenDurable(resolve)))) throw new Error(wal.failure);
    process.stdout.write(`${id} ${n}\n`);
  }
}

await Promise.all(ids.map(load));
