import { NodeId, type TenantId } from '#domains/kernel/ids.ts';
import { getNode, listNodes, listNodesAt, nodeAt, type NodeRow } from '#projections/nodes/queries.ts';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';

import type { GatewayDependencies } from '../dependencies.ts';
import { endpointOf } from '../reads/node-reply.ts';
import { mustBeReadable, tenantInScope } from '../reads/permitted.ts';
import { nowOrThen } from '../reads/position.ts';
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
      const listed = await nowOrThen(
        deps,
        reply,
        { at, view: 'nodes' },
        () => listNodes(pool, filter, page),
        (position) => listNodesAt(log, filter, page, position),
      );
      const { items, nextCursor } = goodPage(listed);
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
      const id = NodeId.safeParse(request.params.nodeId);
      const row = await nowOrThen(
        deps,
        reply,
        { at: request.query.at, view: 'nodes' },
        async () => (id.success ? getNode(pool, id.data) : null),
        async (position) => (id.success ? nodeAt(log, id.data, position) : null),
      );
      const found = row === null ? null : { row, tenantId: row.tenantId as TenantId };
      mustBeReadable(request, action, found);
      return isUnchanged(request, reply, found.row.version) ? undefined : shown(found.row);
    },
  );
}
