import { randomBytes, createSecretKey } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { pino } from 'pino';
import { apiKeyDecider } from '#domains/identity/decider.ts';
import { apiKeyStream } from '#domains/identity/events.ts';
import { ManagerId, type NodeId } from '#domains/kernel/ids.ts';
import { nodeDecider } from '#domains/node/decider.ts';
import { nodeStream } from '#domains/node/events.ts';
import type { NodeCommand } from '#domains/node/commands.ts';
import { NodeSettings } from '#domains/node/settings.ts';
import { reservationDecider } from '#domains/reservation/decider.ts';
import { reservationStream } from '#domains/reservation/events.ts';
import { tenantDecider } from '#domains/tenant/decider.ts';
import type { TenantCommand } from '#domains/tenant/commands.ts';
import { tenantStream } from '#domains/tenant/events.ts';
import { execute, loadState, step, systemRequest, type Step } from '#infra/commands/execute.ts';
import { newId } from '#infra/crypto/ids.ts';
import { nodeNameHash } from '#infra/crypto/name-hash.ts';
import { runProjections } from '#projections/kernel/runner.ts';
import { allViews } from '#projections/views.ts';
import { startReactions } from '#workers/reactions/group.ts';
import { tenantReactions } from '#workers/reactions/tenant-reactions.ts';
import { openReadSide, until, type ReadSide } from '../tools/read-side.ts';

const managerId = ManagerId.parse('manager-1');
const masterKey = createSecretKey(randomBytes(32));
const logger = pino({ level: 'silent' });
const tenantId = newId('tnt');
let side: ReadSide;
let stopping: (() => Promise<unknown>)[] = [];

async function must(...steps: Step[]): Promise<void> {
  const outcome = await execute(
    side.log,
    systemRequest({
      action: 'Test',
      actor: 'test',
      commandId: newId('op'),
      target: { kind: 'test', id: 'test' },
      tenantId,
      correlationId: 'test',
      causationId: null,
    }),
    steps,
  );
  expect(outcome).toMatchObject({ outcome: 'accepted' });
}

const onTenant = (command: TenantCommand) => step({ stream: tenantStream(tenantId), decider: tenantDecider, command });
const onNode = (nodeId: NodeId, command: NodeCommand) =>
  step({ stream: nodeStream(nodeId), decider: nodeDecider, command });
const nameOf = (name: string) => reservationStream('node', nodeNameHash(masterKey, tenantId, name));
const stateOf = async (nodeId: NodeId) => (await loadState(side.log, nodeStream(nodeId), nodeDecider)).state;

async function runningNode(name: string): Promise<NodeId> {
  const nodeId = newId('node');
  await must(
    step({
      stream: nameOf(name),
      decider: reservationDecider,
      command: { type: 'ReserveName', data: { holder: nodeId } },
    }),
    onNode(nodeId, {
      type: 'RequestNode',
      data: {
        nodeId,
        tenantId,
        settings: NodeSettings.parse({ name, memoryLimitMb: 1 }),
        passwordSha256: 'a'.repeat(64),
        operationId: newId('op'),
        restoreFrom: null,
        plan: 'free',
        placement: { managerId, availableMb: 10 },
      },
    }),
  );
  await must(onNode(nodeId, { type: 'ReportNodeStarted', data: { nodeId, managerId, epoch: 1 } }));
  return nodeId;
}

beforeEach(async () => {
  side = await openReadSide();
  const projections = runProjections(side.log, side.pool, allViews, logger);
  const { log, pool } = side;
  const reactions = startReactions({
    reactions: tenantReactions({ log, pool, masterKey }),
    log,
    pool,
    logger,
  });
  stopping = [() => reactions.stop(), () => projections.stop()];
  await must(onTenant({ type: 'CreateTenant', data: { tenantId, name: 'Acme', plan: 'free' } }));
});

afterEach(async () => {
  for (const stop of stopping) await stop();
  await side.close();
});

test('a suspended tenant’s nodes stop, and on resumption exactly those start that stopped for it', async () => {
  const [served, rested] = [await runningNode('served'), await runningNode('rested')];
  const stop = { nodeId: rested, operationId: newId('op'), reason: 'requested' } as const;
  await must(onNode(rested, { type: 'StopNode', data: stop }));
  await must(onNode(rested, { type: 'ReportNodeStopped', data: { nodeId: rested, managerId, epoch: 1 } }));

  await must(onTenant({ type: 'SuspendTenant', data: { tenantId, reason: 'unpaid' } }));
  await until(async () => (await stateOf(served)).status === 'stopping', 'the running node is told to stop');
  await must(onTenant({ type: 'ResumeTenant', data: { tenantId } }));
  // It is still stopping: the reaction waits for it.
  await must(onNode(served, { type: 'ReportNodeStopped', data: { nodeId: served, managerId, epoch: 1 } }));
  await until(async () => (await stateOf(served)).status === 'provisioning', 'it is started again');
  expect((await stateOf(rested)).status).toBe('stopped');
});

test('a deleted tenant takes its nodes, their names and its keys with it', async () => {
  const nodes = [await runningNode('one'), await runningNode('two')];
  const keyId = newId('key');
  const key = { keyId, name: 'ci', role: 'tenant-admin', tenantId, secretSha256: 'b'.repeat(64) } as const;
  await must(
    step({ stream: apiKeyStream(keyId), decider: apiKeyDecider, command: { type: 'CreateApiKey', data: key } }),
  );

  await must(onTenant({ type: 'DeleteTenant', data: { tenantId } }));
  await until(
    async () => (await Promise.all(nodes.map(stateOf))).every(({ status }) => status === 'deleting'),
    'all nodes are told to go',
  );
  expect((await loadState(side.log, apiKeyStream(keyId), apiKeyDecider)).state.status).toBe('revoked');
  for (const name of ['one', 'two']) {
    expect((await loadState(side.log, nameOf(name), reservationDecider)).state.holder).toBeNull();
  }
});
