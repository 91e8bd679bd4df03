import { NodeId, type TenantId } from '#domains/kernel/ids.ts';
import { getNode, listNodes, listNodesAt, nodeAt, type NodeRow } from '#projections/nodes/queries.ts';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';

import type { GatewayDependencies } from '../dependencies.ts';
import { endpointOf } from '../reads/node-reply.ts';
import { mustBeReadable, tenantInScope } from '../reads/permitted.ts';
import { caughtUp, positionOf } from '../reads/position.ts';
import { goodPage, isUnchanged } from '../reads/respond.ts';
import { At, Filter, notModified, pageOf, Paging, pathIds, problemResponse } from '../shapes/common.ts';
import { Node, NodeState } from '../shapes/resources.ts';

const tags = ['nodes'];
const action = 'ReadNode';

/** Reading nodes, as they are and as they were. */
export function addNodeRoutes(app: FastifyInstance, deps: GatewayDependencies): void {
  const api = app.withTypeProvider<ZodTypeProvider>();
  const { log, pool } = deps;
  const shown = (row: NodeRow) => ({ ...row, endpoint: endpointOf(row, deps.endpoint, null) });

  api.get(
    '/v1/nodes',
    {
      config: { action },
      schema: {
        summary: 'List nodes, newest first',
        tags,
        querystring: Paging.extend({ tenantId: Filter.optional(), state: NodeState.optional(), at: At }),
        response: { 200: pageOf(Node), ...problemResponse },
      },
    },
    async (request, reply) => {
      const { at, state, tenantId, ...page } = request.query;
      const filter = { state, tenantId: tenantInScope(request, action, tenantId) ?? undefined };
      if (at === undefined) await caughtUp(deps, reply, ['nodes']);
      const { items, nextCursor } = goodPage(
        at === undefined
          ? await listNodes(pool, filter, page)
          : await listNodesAt(log, filter, page, await positionOf(deps, reply, at)),
      );
      return { items: items.map(shown), nextCursor };
    },
  );

  api.get(
    '/v1/nodes/:nodeId',
    {
      config: { action },
      schema: {
        summary: 'Read a node',
        tags,
        params: pathIds('nodeId'),
        querystring: z.strictObject({ at: At }),
        response: { 200: Node, 304: notModified, ...problemResponse },
      },
    },
    async (request, reply) => {
      const { at } = request.query;
      const id = NodeId.safeParse(request.params.nodeId);
      let row: NodeRow | null = null;
      if (at !== undefined) {
        const position = await positionOf(deps, reply, at);
        if (id.success) row = await nodeAt(log, id.data, position);
      } else {
        await caughtUp(deps, reply, ['nodes']);
        if (id.success) row = await getNode(pool, id.data);
      }
      const found = row === null ? null : { row, tenantId: row.tenantId as TenantId };
      mustBeReadable(request, action, found);
      return isUnchanged(request, reply, found.row.version) ? undefined : shown(found.row);
    },
  );
}
