import type { ManagerId, NodeId } from '#domains/kernel/ids.ts';
import { reject } from '#domains/kernel/rejection.ts';
import { managerDecider } from '#domains/manager/decider.ts';
import { managerStream } from '#domains/manager/events.ts';
import { nodeDecider } from '#domains/node/decider.ts';
import { nodeStream } from '#domains/node/events.ts';
import { loadState } from '#infra/commands/execute.ts';
import { step } from '#infra/commands/step.ts';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';

import type { GatewayDependencies } from '../dependencies.ts';
import type { ManagerAddress } from '../exec/node-connections.ts';
import { whyRefused } from '../exec/refused-commands.ts';
import type { ReplyJson } from '../exec/reply-json.ts';
import { Problem } from '../problems.ts';
import { pathIds, problemResponse } from '../shapes/common.ts';
import { ifMatchOf } from '../writes/command-id.ts';
import { handleWrite, rejecting, type Answer, type Plan } from '../writes/handle-write.ts';
import { findNode } from '../writes/things.ts';

const ExecInput = z.strictObject({
  command: z
    .tuple(
      [z.string().regex(/^[A-Za-z][A-Za-z0-9._-]{0,63}$/, 'must be the name of a Redis command')],
      z.string().refine((argument) => argument.isWellFormed(), 'must be well-formed Unicode'),
    )
    .refine((command) => command.length <= 1024, 'must hold at most 1024 strings')
    .meta({ description: 'A Redis command and its arguments, such as ["SET", "k", "v"].' }),
});

const ExecReply = z.object({
  reply: z
    .custom<ReplyJson>(() => true)
    .meta({ description: 'What Redis replied; bytes that are not UTF-8 as {"base64": …}. Null when repeated.' }),
  repeated: z.literal(true).optional().meta({ description: 'The command ran before and was not run again.' }),
});

/** `POST /v1/nodes/:nodeId/exec`: one Redis command, recorded by its name before it runs. */
export function addExecRoute(app: FastifyInstance, deps: GatewayDependencies): void {
  app.withTypeProvider<ZodTypeProvider>().post(
    '/v1/nodes/:nodeId/exec',
    {
      config: { action: 'ExecuteOnNode' },
      schema: {
        summary: 'Run one Redis command on a node',
        tags: ['nodes'],
        params: pathIds('nodeId'),
        body: ExecInput,
        response: { 200: ExecReply, ...problemResponse },
      },
    },
    (request, reply) => {
      const { nodeId: id } = request.params;
      const [given, ...args] = request.body.command;
      const name = given.toUpperCase();
      // Known once the node was found, which a repeat does not look for.
      const known: { place?: Place } = {};
      return handleWrite(deps, request, reply, {
        action: 'ExecuteOnNode',
        target: { kind: 'node', id },
        find: () => findNode(deps.log, id),
        plan: async ({ id: nodeId, state }): Promise<Plan> => {
          const refused = whyRefused(name, args);
          if (refused !== null) {
            const detail = `${name} can't be run over HTTP: ${refused}.`;
            return { steps: [rejecting({ kind: 'node', id }, reject('command_not_allowed', detail))] };
          }
          if (state.managerId !== null) known.place = { nodeId, managerId: state.managerId };
          const command = { type: 'RequireRunningNode', data: { nodeId } } as const;
          const expectedVersion = ifMatchOf(request) ?? undefined;
          return {
            steps: [step({ stream: nodeStream(nodeId), decider: nodeDecider, command, expectedVersion })],
            recordAs: (record) => ({ type: 'DataAccessed', data: { ...record, redisCommand: name } }),
          };
        },
        answer: async ({ repeated }): Promise<Answer<z.output<typeof ExecReply>>> => {
          const { place } = known;
          if (repeated || place === undefined) return { status: 200, body: { reply: null, repeated: true as const } };
          const address = await addressOf(deps, place.managerId);
          return { status: 200, body: { reply: await deps.nodes.run(place.nodeId, address, name, args) } };
        },
      });
    },
  );
}

interface Place {
  readonly nodeId: NodeId;
  readonly managerId: ManagerId;
}

async function addressOf({ log }: GatewayDependencies, managerId: ManagerId): Promise<ManagerAddress> {
  const { state: manager } = await loadState(log, managerStream(managerId), managerDecider);
  if (manager !== null) return { host: manager.host, port: manager.respPort };
  throw new Problem('node_unreachable', "The node's manager is not known yet.");
}
