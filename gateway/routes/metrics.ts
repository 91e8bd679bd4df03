import { lagOfGroups } from '#infra/event-log/consumers/lag.ts';
import { readRelayState, relayMetrics } from '#infra/kafka/relay-state.ts';
import { gauge, groupMetrics, processMetrics } from '#infra/process/metrics.ts';
import { lagOfViews, viewMetrics } from '#projections/kernel/lag.ts';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';

import type { GatewayDependencies } from '../dependencies.ts';
import type { RequestMetrics } from '../plugins/request-metrics.ts';
import { streamsOf } from '../streams/open-streams.ts';

/** `/metrics` in the Prometheus text format, see https://prometheus.io/docs/instrumenting/exposition_formats/ */
export function addMetricsRoute(
  app: FastifyInstance,
  { log, pool }: GatewayDependencies,
  requests: RequestMetrics,
): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    '/metrics',
    {
      config: { action: 'public' },
      schema: {
        summary: 'Figures about this process, for Prometheus',
        tags: ['platform'],
        security: [],
        response: { 200: { content: { 'text/plain': { schema: z.string() } } } },
      },
    },
    async (_request, reply) => {
      // Figures about the process are there even while the database is not.
      const lags = await Promise.all([lagOfViews(pool, log), lagOfGroups(pool, log)]).catch(() => null);
      const parts = [
        requests.render(),
        processMetrics(),
        gauge('miniredis_open_streams', 'Streams being sent.', streamsOf(app).size),
      ];
      parts.push(gauge('miniredis_database_up', 'Whether the database answered.', lags === null ? 0 : 1));
      if (lags !== null) parts.push(viewMetrics(lags[0]), groupMetrics(lags[1]));
      const relay = await readRelayState(pool).catch(() => null);
      if (lags !== null && relay !== null) parts.push(relayMetrics(lags[0].head, relay));
      reply.type('text/plain; version=0.0.4; charset=utf-8').serializer(String);
      return `${parts.join('\n')}\n`;
    },
  );
}
