import { NodeId } from '#domains/kernel/ids.ts';
import { NodeSettings } from '#domains/node/settings.ts';
import { newId } from '#infra/crypto/ids.ts';
import { newSecret } from '#infra/crypto/secrets.ts';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';

import type { GatewayDependencies } from '../dependencies.ts';
import { endpointOf, nodeWhen } from '../reads/node-reply.ts';
import { pathIds, problemResponse } from '../shapes/common.ts';
import { presentOperation } from '#projections/operations/queries.ts';
import { NodeReply } from '../shapes/resources.ts';
import { ifMatchOf } from '../writes/command-id.ts';
import { handleWrite } from '../writes/handle-write.ts';
import { requestNode } from '../writes/request-node.ts';
import { findTenant } from '../writes/things.ts';

/** `POST /v1/tenants/:tenantId/nodes`: a node that answers 201 when it runs, or 202 while it is on its way. */
export function addNodeCreation(app: FastifyInstance, deps: GatewayDependencies): void {
  app.withTypeProvider<ZodTypeProvider>().post(
    '/v1/tenants/:tenantId/nodes',
    {
      config: { action: 'CreateNode' },
      schema: {
        summary: 'Create a node; its password is in this reply alone',
        tags: ['nodes'],
        params: pathIds('tenantId'),
        body: NodeSettings,
        response: { 201: NodeReply, 202: NodeReply, ...problemResponse },
      },
    },
    (request, reply) => {
      const nodeId = newId('node');
      const operationId = newId('op');
      const password = `${nodeId}.${newSecret()}`;
      return handleWrite(deps, request, reply, {
        action: 'CreateNode',
        target: { kind: 'node', id: nodeId },
        find: () => findTenant(deps.log, request.params.tenantId),
        plan: async ({ id: tenantId, state }) => ({
          ...(await requestNode(deps, {
            tenantId,
            nodeId,
            operationId,
            password,
            settings: request.body,
            restoreFrom: null,
            plan: state.plan,
            tenantVersion: ifMatchOf(request),
          })),
          result: { operationId },
          secret: password,
        }),
        answer: async ({ target, result }, secret) => {
          const id = NodeId.parse(target.id);
          const reached = await nodeWhen(deps, id, ['running', 'failed', 'deleting', 'deleted']);
          const { row: node } = reached;
          const operation = reached.operation(result['operationId']);
          // What is past its creation is done, whatever happened to it since; what failed on the way is not.
          const done = operation?.state === 'succeeded';
          return {
            status: done ? 201 : 202,
            location: `/v1/nodes/${id}`,
            version: node.version,
            body: {
              ...node,
              endpoint: endpointOf(node, deps.endpoint, secret),
              ...(done || operation === undefined ? {} : { operation: presentOperation(operation) }),
              ...(secret === null ? { credentialsShown: true as const } : {}),
            },
          };
        },
      });
    },
  );
}
