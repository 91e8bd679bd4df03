import { setTimeout as sleep } from 'node:timers/promises';

import { NodeId } from '#domains/kernel/ids.ts';
import { newId } from '#infra/crypto/ids.ts';
import { createLog } from '#infra/logging/log.ts';
import { beforeEach, describe, expect, test, vi } from 'vitest';

import type { Report } from '../reports/reporter.ts';
import type { RoutedNode } from '../routing/routed-node.ts';
import { createReconciler, NodeDamaged, type Host, type Reconciler } from './reconciler.ts';

const log = createLog('test', 'silent');
const nodeId = newId('node');
const routed: RoutedNode = {
  nodeId,
  tenantId: newId('tnt'),
  managerId: null,
  epoch: 1,
  state: 'provisioning',
  passwordSha256: '',
  memoryLimitMb: 1,
  evictionPolicy: 'noeviction',
  durability: 'none',
  restoreFrom: null,
  plan: 'standard',
  hasRun: false,
  failure: null,
  cause: null,
};

let wanted: RoutedNode | undefined;
let done: string[];
let trouble: Partial<Record<keyof Host, Error>>;
let reconciler: Reconciler;

/** Records what is asked of it, takes a moment, and fails where there is trouble. */
async function act(verb: keyof Host): Promise<void> {
  done.push(verb);
  await sleep(2);
  const error = trouble[verb];
  if (error !== undefined) throw error;
}

beforeEach(() => {
  [wanted, done, trouble] = [undefined, [], {}];
  reconciler = createReconciler({
    find: (id) => (id === nodeId ? wanted : undefined),
    host: {
      serve: () => act('serve'),
      isLoaded: ({ restoreFrom }) => restoreFrom === null,
      close: () => act('close'),
      drop: () => act('drop'),
    },
    report: async (report: Report) => {
      done.push(report.verb);
    },
    log,
  });
});

async function want(change: Partial<RoutedNode>): Promise<void> {
  wanted = { ...routed, ...change };
  reconciler.changed(nodeId);
  await reconciler.settled(nodeId);
}

describe('each state leads to what it asks for', () => {
  test.each([
    ['requested', []],
    ['provisioning', ['serve', 'started']],
    ['running', ['serve']],
    ['stopping', ['close', 'stopped']],
    ['stopped', ['close']],
    ['failed', ['close']],
    ['deleting', ['drop', 'deleted']],
  ] as const)('%s', async (state, expected) => {
    await want({ state });
    expect(done).toEqual(expected);
  });

  test('a node that waits for a backup is served but not reported', async () => {
    await want({ restoreFrom: 'bkp_x' as RoutedNode['restoreFrom'] });
    expect(done).toEqual(['serve']);
  });

  test('a node that is wanted no more is closed', async () => {
    reconciler.changed(nodeId);
    await reconciler.settled(nodeId);
    expect(done).toEqual(['close']);
  });
});

test('what changes meanwhile is seen when the step in hand is done, and only the newest counts', async () => {
  wanted = routed;
  reconciler.changed(nodeId);
  for (const state of ['running', 'stopping', 'stopped', 'provisioning', 'deleting'] as const) {
    wanted = { ...routed, state };
    reconciler.changed(nodeId);
  }
  await reconciler.settled(nodeId);
  expect(done).toEqual(['serve', 'started', 'drop', 'deleted']);
});

test('data that can not be opened is reported as a failure; other troubles are tried again until they pass', async () => {
  trouble = { serve: new NodeDamaged('damaged') };
  await want({ state: 'running' });
  expect(done).toEqual(['serve', 'failed']);

  done = [];
  trouble = { serve: new Error('too many open files') };
  wanted = { ...routed, state: 'running' };
  reconciler.changed(nodeId);
  await vi.waitFor(() => expect(done).toEqual(['serve', 'serve']), { timeout: 2000 });
  trouble = {};
  await reconciler.settled(nodeId);
  expect(new Set(done)).toEqual(new Set(['serve']));

  done = [];
  trouble = { close: new Error('the disk is full') };
  wanted = { ...routed, state: 'stopping' };
  reconciler.changed(nodeId);
  await vi.waitFor(() => expect(done).toEqual(['close', 'close']), { timeout: 2000 });
  trouble = {};
  await reconciler.settled(nodeId);
  expect(done.slice(0, 2)).toEqual(['close', 'close']);
  expect(done.at(-1)).toBe('stopped');
});

test('whoever waits for a node that is not done when the manager stops does not take it for done', async () => {
  trouble = { close: new Error('the disk is full') };
  wanted = { ...routed, state: 'stopping' };
  reconciler.changed(nodeId);
  const waiting = expect(reconciler.settled(nodeId)).rejects.toMatchObject({ code: 'STOPPING' });
  await reconciler.stop();
  await waiting;
  expect(done).not.toContain('stopped');
});

test('nodes do not wait for each other, and after a stop nothing begins', async () => {
  const ids = Array.from({ length: 100 }, () => NodeId.parse(newId('node')));
  for (const id of ids) reconciler.changed(id);
  // All of them have begun before the first is done.
  expect(done).toHaveLength(100);
  await Promise.all(ids.map((id) => reconciler.settled(id)));
  expect(done).toHaveLength(100);
  await reconciler.stop();
  reconciler.changed(nodeId);
  await expect(reconciler.settled(nodeId)).rejects.toThrow('The node manager stops');
  expect(done).toHaveLength(100);
});
