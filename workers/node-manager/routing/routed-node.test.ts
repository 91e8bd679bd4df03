import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import { ManagerId } from '#domains/kernel/ids.ts';
import { nodeDecider } from '#domains/node/decider.ts';
import { nodeStream, type NodeEvent } from '#domains/node/events.ts';
import { newId } from '#infra/crypto/ids.ts';
import { routing, type RoutingRow } from '#projections/routing/projection.ts';
import type { Fact } from '#projections/kernel/view.ts';
import { array, assert, constantFrom, property } from 'fast-check';
import { expect, test } from 'vitest';

import { applyEvent, type RoutedNode } from './routed-node.ts';

const nodeId = newId('node');
const managerId = ManagerId.parse('manager-1');
const operationId = newId('op');
const settings = {
  name: 'n',
  memoryLimitMb: 1,
  evictionPolicy: 'noeviction',
  durability: 'always',
  replicas: 0,
  engine: 'builtin',
} as const;
const requested: NodeEvent = {
  type: 'NodeRequested',
  data: {
    nodeId,
    tenantId: newId('tnt'),
    ...settings,
    passwordSha256: 'a',
    operationId,
    restoreFrom: newId('bkp'),
    plan: 'free',
  },
};
const later: NodeEvent[] = [
  { type: 'NodePlaced', data: { nodeId, managerId, epoch: 2 } },
  { type: 'NodeStarted', data: { nodeId, managerId, epoch: 2 } },
  { type: 'NodeFailed', data: { nodeId, reason: 'damaged' } },
  { type: 'NodeStartRequested', data: { nodeId, operationId } },
  { type: 'NodeStopRequested', data: { nodeId, operationId, reason: 'requested' } },
  { type: 'NodeStopped', data: { nodeId } },
  { type: 'NodeResized', data: { nodeId, memoryLimitMb: 7 } },
  { type: 'NodeCredentialsRotated', data: { nodeId, passwordSha256: 'b' } },
  { type: 'NodeDeleteRequested', data: { nodeId, operationId } },
  { type: 'NodeDeleted', data: { nodeId } },
];

function record(event: NodeEvent, version: number): RecordedEvent {
  return {
    ...event,
    position: BigInt(version + 1),
    eventId: `event-${version}`,
    stream: nodeStream(nodeId),
    version,
    schemaVersion: 1,
    recordedAt: '2026-11-21T00:00:00.000Z',
    metadata: {
      actor: { kind: 'system', id: 'test' },
      address: null,
      commandId: 'c',
      correlationId: `correlation-${version}`,
      causationId: null,
      trace: null,
      tenantId: null,
    },
  };
}

test('whatever happens to a node, the manager, the read model and the decider see the same of it', () => {
  assert(
    property(array(constantFrom(...later), { maxLength: 12 }), (events) => {
      let [mine, row, state]: [RoutedNode | undefined, RoutingRow | undefined, typeof nodeDecider.initialState] = [
        undefined,
        undefined,
        nodeDecider.initialState,
      ];
      for (const [version, event] of [requested, ...events].entries()) {
        const recorded = record(event, version);
        mine = applyEvent(mine, recorded);
        row = routing.apply(row, recorded as Fact<NodeEvent>)[0];
        state = nodeDecider.evolve(state, event);
      }
      const { name: _name, ...routed } = row ?? { name: '' };
      expect(mine).toMatchObject(routed);
      expect(mine?.state).toBe(state.status);
      expect(mine?.epoch).toBe(state.epoch);
    }),
  );
});

test('a report answers the event that asked for it, and not one that came later', () => {
  const [placed, started, , , , , resized] = later;
  if (placed === undefined || started === undefined || resized === undefined) throw new Error('unreachable');
  let node: RoutedNode | undefined;
  for (const [version, event] of [requested, placed, resized].entries())
    node = applyEvent(node, record(event, version));
  expect(node?.cause).toEqual({ eventId: 'event-1', correlationId: 'correlation-1' });
  expect(node?.hasRun).toBe(false);
  expect(applyEvent(node, record(started, 3))?.hasRun).toBe(true);
});

test('events of a node that nobody requested are nobody’s business', () => {
  for (const event of later) expect(applyEvent(undefined, record(event, 0))).toBeUndefined();
});
