import { afterEach, expect, test, vi } from 'vitest';

import { Node } from '../../keyspace/node.ts';
import { nodeOf } from '../testing/keyspaces.ts';
import { copyOf, engine, newFolder, openLog, removeFolders, run, serve, strings } from '../testing/wal-lab.ts';
import type { Wal } from './wal.ts';

vi.setConfig({ testTimeout: 120_000 });
afterEach(removeFolders);

type State = Record<string, string>;

/** Does one step after the other, and leaves a copy of the folder at every point at which a crash could come in between. */
async function crashEverywhere(steps: readonly ((wal: Wal, node: Node) => Promise<unknown>)[]) {
  const dir = newFolder();
  const copies: { step: string; folder: string; done: number }[] = [];
  const states: State[] = [];
  const probe = (step: string): void => void copies.push({ step, folder: copyOf(dir), done: states.length });
  const wal = await openLog(dir, { probe, segmentBytes: 300, nodeBytes: 1500, logBytes: 1200 });
  const node = await serve(wal, 'a');
  const neighbour = await serve(wal, 'neighbour');
  await run(neighbour, 'SET k 1');
  for (const step of steps) {
    await step(wal, node);
    states.push(strings(node));
  }
  await wal.close();
  return { copies, states };
}

/** After a crash there is what was acknowledged, or that and the step that was under way, and never something else. */
async function checkAll({ copies, states }: Awaited<ReturnType<typeof crashEverywhere>>): Promise<void> {
  for (const { step, folder, done } of copies) {
    const wal = await openLog(folder);
    expect(wal.report.damage, step).toBeUndefined();
    const found = strings(await serve(wal, 'a'));
    const allowed = [states[done - 1] ?? {}, states[done] ?? states[done - 1] ?? {}];
    expect(allowed, `${step} after step ${done}`).toContainEqual(found);
    if (done > 0) expect(strings(await serve(wal, 'neighbour'))).toEqual({ k: '1' });
    await wal.close();
    const again = await openLog(folder);
    expect(strings(await serve(again, 'a')), `${step}, second start`).toEqual(found);
    await again.close();
  }
}

function replaceBy(value: string) {
  return async (wal: Wal, node: Node): Promise<void> => {
    const content = nodeOf([
      { db: 0, key: 'restored', value, expireAtMs: undefined },
      { db: 0, key: 'other', value, expireAtMs: undefined },
    ]);
    await wal.replaceNode('a', content, () => engine.replaceKeyspace(node, content));
  };
}

test('a crash at any point of writes, new segments and bases loses nothing and tears nothing', async () => {
  const steps = Array.from(
    { length: 36 },
    (_, i) => (_wal: Wal, node: Node) => run(node, `SET key${i % 7} ${'x'.repeat(60)}${i}`),
  );
  const ran = await crashEverywhere([...steps, (wal) => wal.writeBase('a'), ...steps.slice(0, 5)]);
  const points = new Set(ran.copies.map(({ step }) => step));
  expect([...points]).toEqual(
    expect.arrayContaining(['segment-created', 'segment-delete', 'base-place', 'base-placed', 'written']),
  );
  await checkAll(ran);
});

test('a crash at any point of a replacement leaves all of the old data or all of the new', async () => {
  const ran = await crashEverywhere([
    (_, node) => run(node, 'SET old 1'),
    replaceBy('first'),
    (_, node) => run(node, 'SET between 2'),
    (wal) => wal.writeBase('a'),
    replaceBy('second'),
    replaceBy('third'),
    (_, node) => run(node, 'SET last 3'),
  ]);
  expect(ran.copies.filter(({ step }) => step.startsWith('replace-'))).toHaveLength(9);
  await checkAll(ran);
});

test('a crash at any point of a drop leaves the node as it was or gone', async () => {
  const dir = newFolder();
  const copies: string[] = [];
  const wal = await openLog(dir, { probe: () => void copies.push(copyOf(dir)) });
  const node = await serve(wal, 'a');
  await run(node, 'SET k 1');
  await wal.writeBase('a');
  await run(node, 'SET k 2');
  copies.length = 0;
  await wal.dropNode('a');
  await wal.close();
  const found: State[] = [];
  for (const folder of copies) {
    const again = await openLog(folder);
    found.push(strings(await serve(again, 'a')));
    await again.close();
  }
  const last = await openLog(dir);
  expect(last.nodes()).toEqual([]);
  await last.close();
  expect(found.length).toBeGreaterThan(3);
  for (const state of found) expect([{ k: '2' }, {}]).toContainEqual(state);
});

test('a node emptied by FLUSHALL takes no base, and stays empty', async () => {
  const ran = await crashEverywhere([
    (_, node) => run(node, 'SET k 1'),
    (wal) => wal.writeBase('a'),
    (_, node) => run(node, 'FLUSHALL'),
    (wal) => wal.writeBase('a'),
    (_, node) => run(node, 'SET new 1'),
  ]);
  await checkAll(ran);
});
