import { afterEach, expect, test } from 'vitest';

import { openBed, type Bed, type TestNode } from './node-manager-bed.ts';
import { startChild, type ChildManager } from './node-manager-child.ts';
import { connectRaw } from './node-manager-wire.ts';

let bed: Bed | undefined;
let child: ChildManager | undefined;

afterEach(async () => {
  await child?.end('SIGKILL');
  await bed?.close();
});

const count = 1000;

async function ask(port: number, node: TestNode, ...command: string[]): Promise<string> {
  const wire = await connectRaw(port);
  try {
    expect(await wire.call('AUTH', node.password)).toBe('+OK');
    return await wire.call(...command);
  } finally {
    wire.close();
  }
}

test(
  `${count} nodes are created, used at the same time, recovered after a kill, and served`,
  { timeout: 120_000 },
  async () => {
    const here = await openBed();
    bed = here;
    child = await startChild(here);
    const { port } = here;
    const empty_mb = child.rss_bytes / 2 ** 20;
    const startedAt = performance.now();
    const creating = Array.from({ length: count }, (_, n) =>
      here.createNode({ memoryLimitMb: 1, durability: n % 2 === 0 ? 'always' : 'everysec' }, { wait: false }),
    );
    const nodes = await Promise.all(creating);
    const appended_ms = performance.now() - startedAt;
    const wrote = await Promise.all(nodes.map((node, n) => ask(port, node, 'SET', 'who', `node ${n}`)));
    const used_ms = performance.now() - startedAt;
    expect(new Set(wrote)).toEqual(new Set(['+OK']));
    for (const { nodeId } of nodes) await here.until(nodeId, 'running');
    const running_ms = performance.now() - startedAt;

    await new Promise((resolve) => setTimeout(resolve, 1100));
    await child.end('SIGKILL');
    child = await startChild(here);
    const askedAt = performance.now();
    const read = await Promise.all(nodes.map((node) => ask(port, node, 'GET', 'who')));
    const answered_ms = performance.now() - askedAt;
    expect(read).toEqual(nodes.map((_, n) => `$node ${n}`));
    console.log(
      `${count} nodes: appended in ${Math.round(appended_ms)} ms, all written to after ${Math.round(used_ms)} ms, all reported running after ${Math.round(running_ms)} ms; ` +
        `after a kill served again in ${Math.round(child.start_ms)} ms, all answered ${Math.round(answered_ms)} ms later; ` +
        `resident ${Math.round(empty_mb)} MiB empty, ${Math.round(child.rss_bytes / 2 ** 20)} MiB with all`,
    );
  },
);
