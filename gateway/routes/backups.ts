import { backupDecider } from '#domains/backup/decider.ts';
import { backupStream } from '#domains/backup/events.ts';
import { BackupId, type TenantId } from '#domains/kernel/ids.ts';
import { nodeDecider } from '#domains/node/decider.ts';
import { nodeStream } from '#domains/node/events.ts';
import { step } from '#infra/commands/step.ts';
import { newId } from '#infra/crypto/ids.ts';
import { backupAt, getBackup, listBackups, listBackupsAt } from '#projections/backups/queries.ts';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';

import type { GatewayDependencies } from '../dependencies.ts';
import { backupFromLog } from '#projections/from-log/queries.ts';
import { mustBeReadable, tenantInScope } from '../reads/permitted.ts';
import { nowOrThen } from '../reads/position.ts';
import { goodPage, isUnchanged } from '../reads/respond.ts';
import { At, Filter, NoBody, notModified, pageOf, Paging, pathIds, problemResponse } from '../shapes/common.ts';
import { presentOperation } from '#projections/operations/queries.ts';
import { Backup, BackupReply } from '../shapes/resources.ts';
import { ifMatchOf } from '../writes/command-id.ts';
import { handleWrite, type Plan } from '../writes/handle-write.ts';
import { findBackup, findNode } from '../writes/things.ts';

const tags = ['backups'];

/** Backups of nodes: asked for, listed, read and deleted. */
export function addBackupRoutes(app: FastifyInstance, deps: GatewayDependencies): void {
  const api = app.withTypeProvider<ZodTypeProvider>();
  const { log, pool } = deps;

  api.post(
    '/v1/nodes/:nodeId/backups',
    {
      config: { action: 'CreateBackup' },
      schema: {
        summary: 'Back a node up; the operation tells when it is done',
        tags,
        params: pathIds('nodeId'),
        body: NoBody,
        response: { 202: BackupReply, ...problemResponse },
      },
    },
    (request, reply) => {
      const backupId = newId('bkp');
      const operationId = newId('op');
      return handleWrite(deps, request, reply, {
        action: 'CreateBackup',
        target: { kind: 'backup', id: backupId },
        find: () => findNode(log, request.params.nodeId),
        plan: ({ id: nodeId, state }): Promise<Plan> => {
          const { tenantId, settings } = state;
          if (tenantId === null || settings === null) throw new Error(`Node ${nodeId} has no tenant.`);
          return Promise.resolve({
            result: { operationId },
            steps: [
              step({
                stream: nodeStream(nodeId),
                decider: nodeDecider,
                command: { type: 'RequireRunningNode', data: { nodeId } },
                expectedVersion: ifMatchOf(request) ?? undefined,
              }),
              step({
                stream: backupStream(backupId),
                decider: backupDecider,
                command: {
                  type: 'RequestBackup',
                  data: { backupId, nodeId, tenantId, nodeName: settings.name, operationId },
                },
              }),
            ],
          });
        },
        answer: async ({ target }) => {
          const found = await backupFromLog(log, BackupId.parse(target.id));
          const { row: backup } = found;
          const row = found.operation(backup.operationId);
          const operation = row === undefined ? {} : { operation: presentOperation(row) };
          const location = `/v1/backups/${backup.id}`;
          return { status: 202, location, version: backup.version, body: { ...backup, ...operation } };
        },
      });
    },
  );

  api.delete(
    '/v1/backups/:backupId',
    {
      config: { action: 'DeleteBackup' },
      schema: {
        summary: 'Delete a backup',
        tags,
        params: pathIds('backupId'),
        body: NoBody,
        response: { 200: Backup, ...problemResponse },
      },
    },
    (request, reply) => {
      const { backupId: id } = request.params;
      return handleWrite(deps, request, reply, {
        action: 'DeleteBackup',
        target: { kind: 'backup', id },
        find: () => findBackup(log, id),
        plan: ({ id: backupId }): Promise<Plan> => {
          const stream = backupStream(backupId);
          const command = { type: 'DeleteBackup', data: { backupId } } as const;
          const expectedVersion = ifMatchOf(request) ?? undefined;
          return Promise.resolve({ steps: [step({ stream, decider: backupDecider, command, expectedVersion })] });
        },
        answer: async () => {
          const { row: backup } = await backupFromLog(log, BackupId.parse(id));
          return { status: 200, version: backup.version, body: backup };
        },
      });
    },
  );

  api.get(
    '/v1/backups',
    {
      config: { action: 'ReadBackup' },
      schema: {
        summary: 'List backups, newest first',
        tags,
        querystring: Paging.extend({
          nodeId: Filter.optional(),
          tenantId: Filter.optional(),
          state: Backup.shape.state.optional(),
          at: At,
        }),
        response: { 200: pageOf(Backup), ...problemResponse },
      },
    },
    async (request, reply) => {
      const { nodeId, tenantId, state, at, ...page } = request.query;
      const filter = { nodeId, state, tenantId: tenantInScope(request, 'ReadBackup', tenantId) ?? undefined };
      const listed = await nowOrThen(
        deps,
        reply,
        { at, view: 'backups' },
        () => listBackups(pool, filter, page),
        (position) => listBackupsAt(log, filter, page, position),
      );
      return goodPage(listed);
    },
  );

  api.get(
    '/v1/backups/:backupId',
    {
      config: { action: 'ReadBackup' },
      schema: {
        summary: 'Read a backup',
        tags,
        params: pathIds('backupId'),
        querystring: z.strictObject({ at: At }),
        response: { 200: Backup, 304: notModified, ...problemResponse },
      },
    },
    async (request, reply) => {
      const id = BackupId.safeParse(request.params.backupId);
      const row = await nowOrThen(
        deps,
        reply,
        { at: request.query.at, view: 'backups' },
        async () => (id.success ? getBackup(pool, id.data) : null),
        async (position) => (id.success ? backupAt(log, id.data, position) : null),
      );
      const found = row === null ? null : { row, tenantId: row.tenantId as TenantId };
      mustBeReadable(request, 'ReadBackup', found);
      return isUnchanged(request, reply, found.row.version) ? undefined : found.row;
    },
  );
}
