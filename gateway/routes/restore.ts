import { backupDecider, type BackupState } from '#domains/backup/decider.ts';
import { backupStream } from '#domains/backup/events.ts';
import { NodeId, OperationId, type BackupId, type TenantId } from '#domains/kernel/ids.ts';
import { nodeDecider, type NodeState } from '#domains/node/decider.ts';
import { nodeStream } from '#domains/node/events.ts';
import { NodeSettings } from '#domains/node/settings.ts';
import { restoreDecider } from '#domains/restore/decider.ts';
import { restoreStream } from '#domains/restore/events.ts';
import { step, type Step } from '#infra/commands/step.ts';
import { newId } from '#infra/crypto/ids.ts';
import { newSecret } from '#infra/crypto/secrets.ts';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';

import type { GatewayDependencies } from '../dependencies.ts';
import { nodeFromLog, restoreFromLog } from '#projections/from-log/queries.ts';
import { endpointOf } from '../reads/node-reply.ts';
import { pathIds, problemResponse } from '../shapes/common.ts';
import { presentOperation } from '#projections/operations/queries.ts';
import { NodeReply } from '../shapes/resources.ts';
import { ifMatchOf } from '../writes/command-id.ts';
import { handleWrite, type Plan } from '../writes/handle-write.ts';
import { requestNode, requireActiveTenant } from '../writes/request-node.ts';
import { findBackup, findNode, findTenant } from '../writes/things.ts';

const { name, ...overrides } = NodeSettings.shape;
const optional = {
  memoryLimitMb: overrides.memoryLimitMb.optional(),
  evictionPolicy: overrides.evictionPolicy.unwrap().optional(),
  durability: overrides.durability.unwrap().optional(),
  replicas: overrides.replicas.unwrap().optional(),
  engine: overrides.engine.unwrap().optional(),
};

/** Into a new node, with the settings of the one that was backed up unless they are given; or in place, which takes its id. */
const RestoreInput = z
  .strictObject({ name: name.optional(), nodeId: z.string().max(100).optional(), ...optional })
  .superRefine(({ name, nodeId, ...settings }, context) => {
    if ((name === undefined) === (nodeId === undefined)) {
      context.addIssue({
        code: 'custom',
        path: ['name'],
        message: 'give either a name (new node) or a nodeId (in place)',
      });
    }
    if (nodeId === undefined) return;
    for (const [field, value] of Object.entries(settings)) {
      if (value === undefined) continue;
      context.addIssue({ code: 'custom', path: [field], message: 'is for a new node; resize the node instead' });
    }
  });

/** What a restore is about: the backup, and the node that it goes into or takes its settings from. */
interface Found {
  readonly id: BackupId;
  readonly tenantId: TenantId | null;
  readonly state: BackupState;
  readonly node: { readonly id: NodeId; readonly state: NodeState };
}

/** `POST /v1/backups/:backupId/restore`: to a new node with `name`, or in place with `nodeId`. */
export function addRestoreRoute(app: FastifyInstance, deps: GatewayDependencies): void {
  const { log } = deps;
  app.withTypeProvider<ZodTypeProvider>().post(
    '/v1/backups/:backupId/restore',
    {
      config: { action: 'RestoreBackup' },
      schema: {
        summary: 'Restore a backup to a new node, or in place',
        tags: ['backups'],
        params: pathIds('backupId'),
        body: RestoreInput,
        response: { 202: NodeReply, ...problemResponse },
      },
    },
    (request, reply) => {
      const { backupId: id } = request.params;
      const { name, nodeId: inPlace, ...given } = request.body;
      const nodeId = newId('node');
      const operationId = newId('op');
      return handleWrite(deps, request, reply, {
        action: 'RestoreBackup',
        target: { kind: 'backup', id },
        async find(): Promise<Found | null> {
          const backup = await findBackup(log, id);
          const node = await findNode(log, inPlace ?? backup?.state.request?.nodeId ?? '');
          // A node of another tenant is no node to restore this backup into, whoever asks.
          return backup === null || node?.tenantId !== backup.tenantId ? null : { ...backup, node };
        },
        async plan({ id: backupId, tenantId, node }): Promise<Plan> {
          if (tenantId === null || node.state.settings === null) throw new Error(`Backup ${backupId} has no tenant.`);
          const common = { backupId, tenantId, operationId, ifMatch: ifMatchOf(request) };
          if (name === undefined) {
            const running = step({
              stream: nodeStream(node.id),
              decider: nodeDecider,
              command: { type: 'RequireRunningNode', data: { nodeId: node.id } },
            });
            const steps = [
              requireActiveTenant(tenantId),
              running,
              ...restoreSteps({ ...common, nodeId: node.id, inPlace: true }),
            ];
            return { steps, result: { operationId, nodeId: node.id } };
          }
          const password = `${nodeId}.${newSecret()}`;
          const chosen = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
          const settings = NodeSettings.parse({ ...node.state.settings, ...chosen, name });
          const place = {
            tenantId,
            nodeId,
            operationId,
            password,
            settings,
            restoreFrom: backupId,
            plan: (await findTenant(log, tenantId))?.state.plan ?? '',
            tenantVersion: null,
          };
          const created = await requestNode(deps, place);
          const steps = [...restoreSteps({ ...common, nodeId, inPlace: false }), ...created.steps];
          return { ...created, steps, result: { operationId, nodeId }, secret: password };
        },
        async answer({ result, repeated }, secret) {
          const { row } = await nodeFromLog(log, NodeId.parse(result['nodeId']));
          const operation = presentOperation(await restoreFromLog(log, OperationId.parse(result['operationId'])));
          const shown = repeated && name !== undefined;
          return {
            status: 202,
            location: `/v1/nodes/${row.id}`,
            version: row.version,
            body: {
              ...row,
              endpoint: endpointOf(row, deps.endpoint, secret),
              operation,
              ...(shown ? { credentialsShown: true as const } : {}),
            },
          };
        },
      });
    },
  );
}

interface Restore {
  readonly backupId: BackupId;
  readonly tenantId: TenantId;
  readonly nodeId: NodeId;
  readonly operationId: OperationId;
  readonly inPlace: boolean;
  readonly ifMatch: number | null;
}

function restoreSteps({ backupId, tenantId, nodeId, operationId, inPlace, ifMatch }: Restore): Step[] {
  return [
    step({
      stream: backupStream(backupId),
      decider: backupDecider,
      command: { type: 'RequireRestorableBackup', data: { backupId } },
      expectedVersion: ifMatch ?? undefined,
    }),
    step({
      stream: restoreStream(operationId),
      decider: restoreDecider,
      command: { type: 'RequestRestore', data: { operationId, backupId, nodeId, tenantId, inPlace } },
    }),
  ];
}
