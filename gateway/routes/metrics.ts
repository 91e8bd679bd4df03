import { headAndCheckpoints } from '#projections/kernel/consistency.ts';
import { readRelayState, type RelayState } from '#infra/kafka/relay-state.ts';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';

import type { GatewayDependencies } from '../dependencies.ts';
import type { RequestMetrics } from '../plugins/request-metrics.ts';
import { streamsOf } from '../streams/open-streams.ts';

/** `/metrics` in the Prometheus text format, see https://prometheus.io/docs/instrumenting/exposition_formats/ */
export function addMetricsRoute(app: FastifyInstance, { pool }: GatewayDependencies, requests: RequestMetrics): void {
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
      const log = await headAndCheckpoints(pool).catch(() => null);
      const parts = [
        requests.render(),
        process_(),
        gauge('miniredis_open_streams', 'Streams being sent.', streamsOf(app).size),
      ];
      parts.push(gauge('miniredis_database_up', 'Whether the database answered.', log === null ? 0 : 1));
      if (log !== null) parts.push(positions(log));
      const relay = await readRelayState(pool).catch(() => null);
      if (log !== null && relay !== null) parts.push(relayed(log.head, relay));
      reply.type('text/plain; version=0.0.4; charset=utf-8').serializer(String);
      return `${parts.join('\n')}\n`;
    },
  );
}

function positions({ head, checkpoints }: Awaited<ReturnType<typeof headAndCheckpoints>>): string {
  const lag = 'miniredis_projection_lag_events';
  const halted = 'miniredis_projection_halted';
  return [
    gauge('miniredis_log_head_position', 'Position of the last event.', head),
    `# HELP ${lag} Events that a read model has yet to apply.`,
    `# TYPE ${lag} gauge`,
    ...[...checkpoints].map(([view, { position }]) => `${lag}{view="${view}"} ${head - position}`),
    `# HELP ${halted} Whether a read model met an event that it can't apply.`,
    `# TYPE ${halted} gauge`,
    ...[...checkpoints].map(([view, checkpoint]) => `${halted}{view="${view}"} ${checkpoint.halted ? 1 : 0}`),
  ].join('\n');
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

const startedAt_s = Date.now() / 1000 - process.uptime();

function process_(): string {
  const { user, system } = process.cpuUsage();
  return [
    '# HELP process_cpu_seconds_total Processor time spent.',
    '# TYPE process_cpu_seconds_total counter',
    `process_cpu_seconds_total ${((user + system) / 1e6).toFixed(3)}`,
    gauge('process_resident_memory_bytes', 'Resident memory.', process.memoryUsage.rss()),
    gauge('process_start_time_seconds', 'When the process started, in Unix time.', startedAt_s.toFixed(3)),
  ].join('\n');
}

function gauge(name: string, help: string, value: number | bigint | string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}`;
}
