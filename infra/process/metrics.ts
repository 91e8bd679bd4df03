import type { GroupLag } from '#infra/event-log/consumers/lag.ts';

type Value = number | bigint | string;

/** A gauge in the Prometheus text format, see https://prometheus.io/docs/instrumenting/exposition_formats/ */
export function gauge(name: string, help: string, value: Value): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}`;
}

/** A gauge of which there is one for each value of a label. */
export function gauges(name: string, help: string, label: string, values: Iterable<readonly [string, Value]>): string {
  const lines = [...values].map(([of, value]) => `${name}{${label}="${of}"} ${value}`);
  return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...lines].join('\n');
}

const startedAt_s = Date.now() / 1000 - process.uptime();

/** Figures about this process. */
export function processMetrics(): string {
  const { user, system } = process.cpuUsage();
  return [
    '# HELP process_cpu_seconds_total Processor time spent.',
    '# TYPE process_cpu_seconds_total counter',
    `process_cpu_seconds_total ${((user + system) / 1e6).toFixed(3)}`,
    gauge('process_resident_memory_bytes', 'Resident memory.', process.memoryUsage.rss()),
    gauge('process_start_time_seconds', 'When the process started, in Unix time.', startedAt_s.toFixed(3)),
  ].join('\n');
}

/** How far consumer groups are behind, whatever processes they run in. */
export function groupMetrics(groups: readonly GroupLag[]): string {
  const of = (value: (group: GroupLag) => Value) => groups.map((group) => [group.group, value(group)] as const);
  const name = (what: string) => `miniredis_consumer_${what}`;
  return [
    gauges(
      name('lag_events'),
      'Events that a consumer group has yet to come to.',
      'group',
      of(({ events }) => events),
    ),
    gauges(
      name('oldest_unprocessed_seconds'),
      'Age of the first event that a consumer group has yet to come to.',
      'group',
      of(({ oldest_s }) => oldest_s.toFixed(3)),
    ),
    gauges(
      name('parked_streams'),
      'Streams set aside after an event that could not be handled.',
      'group',
      of(({ parkedStreams }) => parkedStreams),
    ),
    gauges(
      name('members'),
      'Processes that run a consumer group.',
      'group',
      of(({ members }) => members),
    ),
  ].join('\n');
}
