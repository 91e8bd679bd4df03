import { connect } from 'node:net';

import { readRelayState } from '#infra/kafka/relay-state.ts';
import { readCheckpoints } from '#projections/kernel/checkpoints.ts';
import { waitForHead } from '#projections/kernel/consistency.ts';
import { listManagers } from '#projections/routing/queries.ts';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';

import type { GatewayDependencies } from '../dependencies.ts';

const Readiness = z.object({
  role: z.literal('gateway'),
  ready: z.boolean(),
  detail: z.record(z.string(), z.string()).meta({ description: 'What each part says: ok, or what is wrong.' }),
});

/** Everything a first request may need. */
const views = ['tenants', 'nodes', 'backups', 'operations', 'audit', 'api_keys', 'routing', 'managers'];

/** `/livez`: this process answers. `/readyz`: log, read models and node managers are there, so that requests will succeed. */
export function addHealthRoutes(app: FastifyInstance, deps: GatewayDependencies): void {
  const api = app.withTypeProvider<ZodTypeProvider>();
  const config = { action: 'public' } as const;
  const tags = ['platform'];
  api.get(
    '/livez',
    {
      config,
      schema: {
        summary: 'Whether this process answers',
        tags,
        security: [],
        response: { 200: z.object({ role: z.literal('gateway'), live: z.literal(true) }) },
      },
    },
    async () => ({ role: 'gateway' as const, live: true as const }),
  );
  api.get(
    '/readyz',
    {
      config,
      schema: {
        summary: 'Whether the platform can do its work',
        tags,
        security: [],
        response: { 200: Readiness, 503: Readiness },
      },
    },
    async (_request, reply) => {
      const detail = await readiness(deps);
      const ready = Object.values(detail).every((state) => state === 'ok');
      reply.code(ready ? 200 : 503);
      // A relay that is behind, or away, keeps no request from succeeding.
      const relay = await relayDetail(deps);
      return { role: 'gateway' as const, ready, detail: { ...detail, ...(relay !== null && { relay }) } };
    },
  );
}

async function readiness({ log, pool }: GatewayDependencies): Promise<Record<string, string>> {
  const [eventLog, readModels, nodeManagers] = await Promise.all([
    checked(async () => void (await log.head())),
    checked(async () => {
      const waited = await waitForHead(pool, views, 500);
      if (!waited.reached) throw new Error([`behind, at position ${waited.at}`, ...(await halts(pool))].join('; '));
    }),
    checked(async () => {
      const managers = await listManagers(pool);
      if (managers.length === 0) throw new Error('none has registered yet');
      // One that answers is enough: a lost manager is its nodes' trouble, not everybody's.
      await Promise.any(managers.map(({ host, respPort }) => reached(host, respPort))).catch(() => {
        throw new Error('none accepts connections');
      });
    }),
  ]);
  return { eventLog, readModels, nodeManagers };
}

/** Which views halted, and at what event. Why is for those who may see data, as an error may quote it. */
async function halts(pool: GatewayDependencies['pool']): Promise<string[]> {
  return (await readCheckpoints(pool)).flatMap(({ view, haltedAt }) =>
    haltedAt === null ? [] : [`${view} halted at position ${haltedAt}, npm run projections -- list says why`],
  );
}

/** How far the relay to Kafka is behind, in words; null where none ever ran, or nobody knows. */
async function relayDetail({ log, pool }: GatewayDependencies): Promise<string | null> {
  const state = await readRelayState(pool).catch(() => null);
  if (state === null) return null;
  const head = await log.head().catch(() => state.position);
  const lag = `lag ${head > state.position ? head - state.position : 0n} events`;
  if (!state.active) return `${lag}; no relay is running`;
  return state.problem === null ? lag : `${lag}; ${state.problem}`;
}

/** Resolves when somebody accepts a connection there. */
function reached(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: 1000 });
    const end = (settle: () => void) => () => {
      socket.destroy();
      settle();
    };
    socket.once('connect', end(resolve));
    socket.once(
      'timeout',
      end(() => reject(new Error('timeout'))),
    );
    socket.once(
      'error',
      end(() => reject(new Error('refused'))),
    );
  });
}

const patience_ms = 2500;

async function checked(check: () => Promise<void>): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, patience_ms, `no answer within ${patience_ms} ms`);
  });
  const answer = check().then(
    () => 'ok',
    (error: unknown) => (error instanceof Error ? error.message : 'failed'),
  );
  const first = await Promise.race([answer, late]);
  clearTimeout(timer);
  return first;
}
