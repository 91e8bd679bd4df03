import { backupStream } from '#domains/backup/events.ts';
import { type BackupId, type NodeId, OperationId, type TenantId } from '#domains/kernel/ids.ts';
import { nodeStream } from '#domains/node/events.ts';
import { restoreStream } from '#domains/restore/events.ts';
import { waitForHead } from '#projections/kernel/consistency.ts';
import { getOperation, operationAt, type Operation as OperationView } from '#projections/operations/queries.ts';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';

import type { GatewayDependencies } from '../dependencies.ts';
import { mustBeReadable } from '../reads/permitted.ts';
import { caughtUp, positionOf } from '../reads/position.ts';
import { isUnchanged } from '../reads/respond.ts';
import { At, notModified, pathIds, problemResponse } from '../shapes/common.ts';
import { Operation } from '../shapes/resources.ts';
import { openEventStream, wantsEvents, type EventStream } from '../streams/server-sent-events.ts';

/** `GET /v1/operations/:operationId`: an operation as it is, or followed to its end by server-sent events. */
export function addOperationRoutes(app: FastifyInstance, deps: GatewayDependencies): void {
  const { pool } = deps;
  app.withTypeProvider<ZodTypeProvider>().get(
    '/v1/operations/:operationId',
    {
      config: { action: 'ReadOperation' },
      schema: {
        summary: 'Read an operation, or follow it to its end with Accept: text/event-stream',
        tags: ['operations'],
        params: pathIds('operationId'),
        querystring: z.strictObject({ at: At }),
        response: {
          200: {
            description: 'The operation; as events, one each time it changes, until it has ended',
            content: {
              'application/json': { schema: Operation },
              'text/event-stream': { schema: z.string() },
            },
          },
          304: notModified,
          ...problemResponse,
        },
      },
    },
    async (request, reply) => {
      await caughtUp(deps, reply, ['operations']);
      const id = OperationId.safeParse(request.params.operationId);
      let row = id.success ? await getOperation(pool, id.data) : null;
      const { at } = request.query;
      if (at !== undefined) {
        const position = await positionOf(deps, reply, at);
        if (row !== null) row = await operationAt(deps.log, streamOf(row), row.id, position);
      }
      const found = row === null ? null : { row, tenantId: row.tenantId as TenantId | null };
      mustBeReadable(request, 'ReadOperation', found);
      if (at === undefined && wantsEvents(request)) {
        await follow(deps, found.row, openEventStream(request, reply, deps.patience.keepAlive_ms));
        return undefined;
      }
      return isUnchanged(request, reply, found.row.version) ? undefined : found.row;
    },
  );
}

/** Sends the operation each time it has changed, and ends with it. */
async function follow({ feed, pool, patience }: GatewayDependencies, first: OperationView, events: EventStream) {
  const watch = feed.watch([streamOf(first)]);
  events.closed.addEventListener('abort', () => watch.close(), { once: true });
  let shown = '';
  try {
    for (let operation: OperationView | null = first; operation !== null && !events.closed.aborted;) {
      const data = JSON.stringify(Operation.encode(operation));
      if (data !== shown && !(await events.send({ event: 'operation', data }))) return;
      shown = data;
      if (operation.state !== 'pending' && operation.state !== 'running') return;
      await watch.next(patience.keepAlive_ms);
      await waitForHead(pool, ['operations'], patience.readModel_ms);
      operation = await getOperation(pool, operation.id);
    }
  } finally {
    watch.close();
    events.end();
  }
}

/** The stream whose events move an operation on. */
function streamOf({ id, kind, target }: OperationView): string {
  if (kind === 'restore') return restoreStream(id as OperationId);
  return kind === 'backup' ? backupStream(target.id as BackupId) : nodeStream(target.id as NodeId);
}
