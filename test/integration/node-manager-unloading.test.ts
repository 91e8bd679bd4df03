import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, expect, test, vi } from 'vitest';

import type { EngineStatus } from '#workers/node-manager/engines/calls.ts';
import { startNodeManager } from '#workers/node-manager/main.ts';
import { createLog } from '#infra/logging/log.ts';
import type { RunningRole } from '#infra/process/role.ts';

import { openBed, type Bed } from './node-manager-bed.ts';
import { startChild } from './node-manager-child.ts';
import { connectRaw } from './node-manager-wire.ts';

let bed: Bed;
let role: RunningRole | undefined;

afterEach(async () => {
  await role?.stop();
  role = undefined;
  await bed.close();
});

async function start(): Promise<void> {
  role = await startNodeManager(bed.config, createLog('node-manager', 'fatal'));
  await vi.waitFor(async () => expect((await role?.readiness())?.ready).toBe(true), { timeout: 10_000 });
}

async function unloaded(): Promise<number> {
  const engines = (await role?.readiness())?.detail?.['engines'] as readonly (EngineStatus | null)[];
  return engines.reduce((sum, engine) => sum + (engine?.unloaded ?? 0), 0);
}

async function ask(password: string, ...command: string[]): Promise<string> {
  const wire = await connectRaw(bed.port);
  try {
    expect(await wire.call('AUTH', password)).toBe('+OK');
    return await wire.call(...command);
  } finally {
    wire.close();
  }
}

test(
  'nodes that nobody uses go to the disk, answer whoever comes, and survive a kill there',
  { timeout: 60_000 },
  async () => {
    bed = await openBed({ NODE_UNLOAD_AFTER_S: '1' });
    await start();
    const nodes = await Promise.all(
      Array.from({ length: 10 }, (_, n) => bed.createNode({ durability: n % 2 === 0 ? 'always' : 'everysec' })),
    );
    await Promise.all(nodes.map(({ password, nodeId }) => ask(password, 'SET', 'who', nodeId)));
    const allAway = () => vi.waitFor(async () => expect(await unloaded()).toBe(nodes.length), { timeout: 10_000 });
    await allAway();
    const answers = await Promise.all(nodes.map(({ password }) => ask(password, 'GET', 'who')));
    expect(answers).toEqual(nodes.map(({ nodeId }) => `$${nodeId}`));
    await allAway();
    // Away on the disk, and then written to again.
    await ask(nodes[0]?.password ?? '', 'SET', 'who', 'me');
    await role?.stop();
    role = undefined;

    const child = await startChild(bed);
    // The child says nothing of its nodes, so it is given the time it needs.
    await sleep(2500);
    await ask(nodes[2]?.password ?? '', 'SET', 'who', 'you');
    await child.end('SIGKILL');

    await start();
    const after = await Promise.all(nodes.map(({ password }) => ask(password, 'GET', 'who')));
    expect(after).toEqual(nodes.map(({ nodeId }, n) => `$${n === 0 ? 'me' : n === 2 ? 'you' : nodeId}`));
  },
);
