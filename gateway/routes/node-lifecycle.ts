import type { Action } from '#domains/identity/roles.ts';
import { NodeId } from '#domains/kernel/ids.ts';
import type { NodeCommand } from '#domains/node/commands.ts';
import { nodeDecider, type NodeState } from '#domains/node/decider.ts';
import { nodeStream } from '#domains/node/events.ts';
import { MemoryLimitMb } from '#domains/node/settings.ts';
import { step, type Step } from '#infra/commands/step.ts';
import { newId } from '#infra/crypto/ids.ts';
import { newSecret, sha256Hex } from '#infra/crypto/secrets.ts';
import type { NodeRow } from '#projections/nodes/queries.ts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';

import type { GatewayDependencies } from '../dependencies.ts';
import { nodeName, release } from '../names.ts';
import { endpointOf, nodeWhen } from '../reads/node-reply.ts';
import { NoBody, pathIds, problemResponse } from '../shapes/common.ts';
import { presentOperation } from '#projections/operations/queries.ts';
import { NodeReply } from '../shapes/resources.ts';
import { ifMatchOf } from '../writes/command-id.ts';
import { handleWrite, type Plan } from '../writes/handle-write.ts';
import { requireActiveTenant } from '../writes/request-node.ts';
import { findNode } from '../writes/things.ts';

/** One thing that can be done to a node: the command for it, and in which states of the node its effect shows. */
interface Verb {
  readonly action: Action;
  readonly summary: string;
  readonly effect: readonly NodeRow['state'][];
  command(nodeId: NodeId): NodeCommand;
  /** Further decisions in the same append. */
  alsoOn?(deps: GatewayDependencies, nodeId: NodeId, state: NodeState): Step[];
}

const start: Verb = {
  action: 'StartNode',
  summary: 'Start a stopped or failed node',
  effect: ['running', 'failed', 'deleted'],
  command: (nodeId) => ({ type: 'StartNode', data: { nodeId, operationId: newId('op') } }),
  // A suspended tenant's nodes stay stopped until it is resumed.
  alsoOn: (_deps, _nodeId, { tenantId }) => (tenantId === null ? [] : [requireActiveTenant(tenantId)]),
};
const stop: Verb = {
  action: 'StopNode',
  summary: 'Stop a node; its data stays as its durability keeps it',
  effect: ['stopped', 'failed', 'deleted'],
  command: (nodeId) => ({ type: 'StopNode', data: { nodeId, operationId: newId('op'), reason: 'requested' } }),
};
const failOver: Verb = {
  action: 'FailOverNode',
  summary: 'Fail a node over to a replica',
  effect: [],
  command: (nodeId) => ({ type: 'FailOverNode', data: { nodeId } }),
};
const remove: Verb = {
  action: 'DeleteNode',
  summary: 'Delete a node with its data; its backups stay',
  effect: ['deleted'],
  command: (nodeId) => ({ type: 'DeleteNode', data: { nodeId, operationId: newId('op') } }),
  // There is no way back from here, so the name is free at once: another append could lose it.
  alsoOn: ({ masterKey }, nodeId, { tenantId, settings }) =>
    tenantId === null || settings === null ? [] : [release(nodeName(masterKey, tenantId, settings.name), nodeId)],
};

/** What is done to nodes that exist. */
export function addNodeLifecycle(app: FastifyInstance, deps: GatewayDependencies): void {
  const api = app.withTypeProvider<ZodTypeProvider>();
  const schemaOf = ({ summary }: Pick<Verb, 'summary'>) => ({
    summary,
    tags: ['nodes'],
    params: pathIds('nodeId'),
    response: { 200: NodeReply, 202: NodeReply, ...problemResponse },
  });
  const options = (verb: Verb) => ({
    config: { action: verb.action },
    schema: { ...schemaOf(verb), body: NoBody },
  });

  for (const [path, verb] of [['start', start] as const, ['stop', stop] as const, ['failover', failOver] as const]) {
    api.post(`/v1/nodes/:nodeId/${path}`, options(verb), (request, reply) =>
      change(deps, request, reply, request.params.nodeId, verb),
    );
  }
  api.delete('/v1/nodes/:nodeId', options(remove), (request, reply) =>
    change(deps, request, reply, request.params.nodeId, remove),
  );

  api.post(
    '/v1/nodes/:nodeId/rotate-credentials',
    {
      config: { action: 'RotateCredentials' },
      schema: { ...schemaOf({ summary: 'Replace the password; the new one is in this reply alone' }), body: NoBody },
    },
    (request, reply) => {
      const { nodeId } = request.params;
      return writeNode(deps, request, reply, nodeId, 'RotateCredentials', (id) => {
        const password = `${id}.${newSecret()}`;
        const passwordSha256 = sha256Hex(password);
        const command = { type: 'RotateCredentials', data: { nodeId: id, passwordSha256 } } as const;
        return Promise.resolve({ steps: [onNode(id, command, request)], secret: password });
      });
    },
  );

  api.post(
    '/v1/nodes/:nodeId/resize',
    {
      config: { action: 'ResizeNode' },
      schema: {
        ...schemaOf({ summary: 'Change how much memory a node may use' }),
        body: z.strictObject({ memoryLimitMb: MemoryLimitMb }),
      },
    },
    (request, reply) => {
      const { memoryLimitMb } = request.body;
      return writeNode(deps, request, reply, request.params.nodeId, 'ResizeNode', async (nodeId, state) => {
        const growth = memoryLimitMb - (state.settings?.memoryLimitMb ?? 0);
        const room = state.managerId === null ? null : await deps.placements.grow(state.managerId, growth);
        const availableMb = room?.placement.availableMb ?? 0;
        const command = { type: 'ResizeNode', data: { nodeId, memoryLimitMb, availableMb } } as const;
        return { steps: [onNode(nodeId, command, request)], ...(room && { settle: room.settle }) };
      });
    },
  );
}

/** A command whose effect comes a little later: 200 when it came in time, else 202 with the operation to follow. */
function change(deps: GatewayDependencies, request: FastifyRequest, reply: FastifyReply, id: string, verb: Verb) {
  const { action, effect } = verb;
  const plan = (nodeId: NodeId, state: NodeState): Promise<Plan> => {
    const command = verb.command(nodeId);
    const steps = [onNode(nodeId, command, request), ...(verb.alsoOn?.(deps, nodeId, state) ?? [])];
    const operationId = 'operationId' in command.data ? command.data.operationId : undefined;
    return Promise.resolve({ steps, ...(operationId && { result: { operationId } }) });
  };
  return writeNode(deps, request, reply, id, action, plan, effect);
}

function writeNode(
  deps: GatewayDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  id: string,
  action: Action,
  plan: (nodeId: NodeId, state: NodeState) => Promise<Plan>,
  effect: readonly NodeRow['state'][] | null = null,
) {
  return handleWrite(deps, request, reply, {
    action,
    target: { kind: 'node', id },
    find: () => findNode(deps.log, id),
    plan: (found) => plan(found.id, found.state),
    answer: async ({ repeated, result }, secret) => {
      const nodeId = NodeId.parse(id);
      const reached = await nodeWhen(deps, nodeId, effect ?? [], effect === null ? 0 : undefined);
      const { row: node } = reached;
      const operation = reached.operation(result['operationId']);
      const done = operation === undefined || operation.state === 'succeeded';
      const rotated = action === 'RotateCredentials' && repeated;
      return {
        status: done ? 200 : 202,
        version: node.version,
        body: {
          ...node,
          endpoint: endpointOf(node, deps.endpoint, secret),
          ...(done ? {} : { operation: presentOperation(operation) }),
          ...(rotated ? { credentialsShown: true as const } : {}),
        },
      };
    },
  });
}

function onNode(nodeId: NodeId, command: NodeCommand, request: FastifyRequest): Step {
  const expectedVersion = ifMatchOf(request) ?? undefined;
  return step({ stream: nodeStream(nodeId), decider: nodeDecider, command, expectedVersion });
}
