import { lagOfGroups } from '#infra/event-log/consumers/lag.ts';
import { readRelayState, type RelayState } from '#infra/kafka/relay-state.ts';
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
      if (lags !== null && relay !== null) parts.push(relayed(lags[0].head, relay));
      reply.type('text/plain; version=0.0.4; charset=utf-8').serializer(String);
      return `${parts.join('\n')}\n`;
    },
  );
}

function relayed(head: bigint, { active, epoch, position, problem }: RelayState): string {
  return [
    gauge('miniredis_relay_active', 'Whether a relay to Kafka is running.', active ? 1 : 0),
    gauge('miniredis_relay_failing', 'Whether it can not relay right now.', problem === null ? 0 : 1),
    gauge('miniredis_relay_epoch', 'Grows whenever another relay takes over.', epoch),
    gauge('miniredis_relay_position', 'Events up to here have been acknowledged by Kafka.', position),
    gauge('miniredis_relay_lag_events', 'Events that have yet to be.', head > position ? head - position : 0n),
  ].join('\n');
}
