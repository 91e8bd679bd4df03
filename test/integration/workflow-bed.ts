import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { backupDecider } from '#domains/backup/decider.ts';
import { backupStream } from '#domains/backup/events.ts';
import { ManagerId, type BackupId, type NodeId, type OperationId, type TenantId } from '#domains/kernel/ids.ts';
import { managerDecider } from '#domains/manager/decider.ts';
import { managerStream } from '#domains/manager/events.ts';
import { nodeDecider } from '#domains/node/decider.ts';
import { nodeStream } from '#domains/node/events.ts';
import { restoreDecider } from '#domains/restore/decider.ts';
import { restoreStream } from '#domains/restore/events.ts';
import { nodeName, reserve } from '#gateway/names.ts';
import { execute } from '#infra/commands/execute.ts';
import { systemRequest } from '#infra/commands/request.ts';
import { step, type Step } from '#infra/commands/step.ts';
import { parseSettings, withAddresses, type Config } from '#infra/config/config.ts';
import { newId } from '#infra/crypto/ids.ts';
import { newSecret, sha256Hex } from '#infra/crypto/secrets.ts';
import type { ObjectStore } from '#infra/object-store/object-store.ts';
import { openObjectStore } from '#infra/object-store/open.ts';
import { waitForHead } from '#projections/kernel/consistency.ts';
import { runProjections } from '#projections/kernel/runner.ts';
import { getOperation, type Operation } from '#projections/operations/queries.ts';
import { allViews } from '#projections/views.ts';
import { openLogAccess, type LogAccess } from '#workers/log-access.ts';
import { pino } from 'pino';
import { expect, vi } from 'vitest';

import { testDatabase } from '../tools/postgres.ts';
import { openTransport, transportVariables } from '../tools/transport.ts';

/** A platform with its log, its read models and what the gateway would append, but without any other role. */
export interface WorkflowBed {
  readonly config: Config;
  readonly access: LogAccess;
  readonly objects: ObjectStore;
  readonly tenantId: TenantId;
  /** Registers a manager that listens there, as the one that nodes are placed on. */
  registerManager(respPort: number): Promise<void>;
  /** The password of a node that was made here. */
  passwordOf(nodeId: NodeId): string;
  /** A node on the manager; `running` unless it waits for a backup's data or its manager is to say so. */
  createNode(options?: { restoreFrom?: BackupId; running?: boolean }): Promise<NodeId>;
  deleteNode(nodeId: NodeId): Promise<void>;
  requestBackup(nodeId: NodeId): Promise<{ backupId: BackupId; operationId: OperationId }>;
  requestRestore(backupId: BackupId, nodeId: NodeId, inPlace: boolean): Promise<OperationId>;
  deleteBackup(backupId: BackupId): Promise<void>;
  decide(...steps: Step[]): Promise<void>;
  operation(id: OperationId): Promise<Operation>;
  /** Waits until the operation has ended. */
  ended(id: OperationId, timeout_ms?: number): Promise<Operation>;
  storedKeys(): Promise<string[]>;
  close(): Promise<void>;
}

const managerId = ManagerId.parse('manager-1');
const views = ['operations', 'routing', 'managers'];

export async function openWorkflowBed(
  temporal: { address: string; namespace: string },
  env: Record<string, string> = {},
): Promise<WorkflowBed> {
  const database = await testDatabase();
  const home = await mkdtemp(path.join(tmpdir(), 'miniredis-workflows-'));
  const parsed = parseSettings({
    MINIREDIS_HOME: home,
    TEMPORAL_NAMESPACE: temporal.namespace,
    ...transportVariables(),
    ...env,
  });
  if (!parsed.ok) throw new Error(parsed.problems.join('\n'));
  const config = withAddresses(parsed.settings, database.url, temporal.address);
  const access = await openLogAccess(config, 'test', pino({ level: 'silent' }));
  const { log, pool, masterKey } = access;
  const transport = openTransport(pool);
  const objects = await openObjectStore(config.objectStoreUrl);
  const projections = runProjections(log, pool, allViews, pino({ level: 'silent' }));
  await vi.waitFor(() => expect(projections.state()).toBe('live'), 10_000);
  const tenantId = newId('tnt');
  const passwords = new Map<NodeId, string>();

  const decide = async (...steps: Step[]): Promise<void> => {
    const request = systemRequest({
      action: 'Test',
      actor: 'test',
      commandId: newSecret(),
      target: { kind: 'test', id: 'test' },
      tenantId,
      correlationId: newSecret(),
      causationId: null,
    });
    expect(await execute(log, request, steps)).toMatchObject({ outcome: 'accepted' });
  };
  const node = (nodeId: NodeId, command: Parameters<typeof nodeDecider.decide>[0]) =>
    step({ stream: nodeStream(nodeId), decider: nodeDecider, command });
  const operation = async (id: OperationId): Promise<Operation> => {
    expect(await waitForHead(pool, views, 5000)).toMatchObject({ reached: true });
    const found = await getOperation(pool, id);
    if (found === null) throw new Error(`There is no operation ${id}.`);
    return found;
  };

  return {
    config,
    access,
    objects,
    tenantId,
    registerManager: (respPort) =>
      decide(
        step({
          stream: managerStream(managerId),
          decider: managerDecider,
          command: { type: 'RegisterManager', data: { managerId, host: '127.0.0.1', respPort, memoryBudgetMb: 4096 } },
        }),
      ),
    passwordOf: (nodeId) => passwords.get(nodeId) ?? '',
    async createNode({ restoreFrom, running = restoreFrom === undefined } = {}) {
      const nodeId = newId('node');
      const name = `n${nodeId.slice(-20)}`;
      const password = `${nodeId}.${newSecret()}`;
      passwords.set(nodeId, password);
      const request = {
        nodeId,
        tenantId,
        settings: {
          name,
          memoryLimitMb: 64,
          evictionPolicy: 'noeviction',
          durability: 'always',
          replicas: 0,
          engine: 'builtin',
        },
        passwordSha256: sha256Hex(password),
        operationId: newId('op'),
        restoreFrom: restoreFrom ?? null,
        plan: 'standard',
        placement: { managerId, availableMb: 4096 },
      } as const;
      await decide(
        reserve(nodeName(masterKey, tenantId, name), nodeId),
        node(nodeId, { type: 'RequestNode', data: request }),
      );
      if (running) await decide(node(nodeId, { type: 'ReportNodeStarted', data: { nodeId, managerId, epoch: 1 } }));
      return nodeId;
    },
    deleteNode: (nodeId) => decide(node(nodeId, { type: 'DeleteNode', data: { nodeId, operationId: newId('op') } })),
    async requestBackup(nodeId) {
      const [backupId, operationId] = [newId('bkp'), newId('op')];
      const data = { backupId, nodeId, tenantId, nodeName: 'a-node', operationId };
      await decide(
        step({
          stream: backupStream(backupId),
          decider: backupDecider,
          command: { type: 'RequestBackup', data },
        }),
      );
      return { backupId, operationId };
    },
    async requestRestore(backupId, nodeId, inPlace) {
      const operationId = newId('op');
      const data = { operationId, backupId, nodeId, tenantId, inPlace };
      await decide(
        step({
          stream: restoreStream(operationId),
          decider: restoreDecider,
          command: { type: 'RequestRestore', data },
        }),
      );
      return operationId;
    },
    deleteBackup: (backupId) =>
      decide(
        step({
          stream: backupStream(backupId),
          decider: backupDecider,
          command: { type: 'DeleteBackup', data: { backupId } },
        }),
      ),
    decide,
    operation,
    ended: (id, timeout_ms = 60_000) =>
      vi.waitFor(
        async () => {
          const found = await operation(id);
          expect(found.state, found.message).not.toMatch(/pending|running/);
          return found;
        },
        { timeout: timeout_ms, interval: 50 },
      ),
    async storedKeys() {
      const keys: string[] = [];
      for await (const { key } of objects.list('')) keys.push(key);
      return keys.sort();
    },
    async close() {
      await projections.stop();
      await transport.close();
      await access.close();
      await database.drop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
