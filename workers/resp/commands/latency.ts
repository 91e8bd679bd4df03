import { cumulated } from '../clients/latency-histogram.ts';
import type { Client, Server } from '../clients/server.ts';
import type { CommandStat, LatencyEvent } from '../clients/calls.ts';
import { clock } from '../keyspace/clock.ts';
import type { CommandSpec, Run } from './command.ts';
import { commandNamed } from './registry.ts';

const latest: Run = ({ server, reply }) => {
  const events = [...(server.latencyEvents ?? [])];
  reply.array(events.length);
  for (const [name, { samples, maxMs }] of events) {
    const last = samples.at(-1)!;
    reply.array(4);
    reply.bulk(name);
    reply.integer(last.at);
    reply.integer(last.milliseconds);
    reply.integer(maxMs);
  }
};

const history: Run = ({ server, reply }, args) => {
  const samples = server.latencyEvents?.get(args[2]!)?.samples ?? [];
  reply.array(samples.length);
  for (const { at, milliseconds } of samples) {
    reply.array(2);
    reply.integer(at);
    reply.integer(milliseconds);
  }
};

const reset: Run = ({ server, reply }, args) => {
  const events = server.latencyEvents;
  const names = args.length > 2 ? args.slice(2) : [...(events?.keys() ?? [])];
  reply.integer(names.filter((name) => events?.delete(name)).length);
  if (events?.size === 0) server.latencyEvents = undefined;
};

/** How long ago, in the greatest unit that fits, for the column below a bar. */
function ago(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

const ROWS = 4;
const SHADES = '_o#';

/** Bars for the samples of an event, the oldest first, each with its age written below from top to bottom. */
function barsOf({ samples }: LatencyEvent): string {
  const values = samples.map(({ milliseconds }) => milliseconds);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const steps = ROWS * SHADES.length;
  const heights = values.map((value) => Math.floor(((value - low) / Math.max(1, high - low)) * (steps - 1)));
  const labels = samples.map(({ at }) => ago(Math.max(0, Math.floor(clock.now / 1000) - at)));
  const rows: string[] = [];
  for (let row = ROWS - 1; row >= 0; row--) {
    const cells = heights.map((height) => {
      if (height >= (row + 1) * SHADES.length) return '|';
      return height >= row * SHADES.length ? SHADES[height - row * SHADES.length]! : ' ';
    });
    rows.push(cells.join(''));
  }
  const deep = Math.max(...labels.map((label) => label.length));
  for (let i = 0; i < deep; i++) rows.push(labels.map((label) => label[i] ?? ' ').join(''));
  return rows.map((row) => `${row.trimEnd()}\n`).join('');
}

const graph: Run = ({ server, reply }, args) => {
  const event = server.latencyEvents?.get(args[2]!);
  if (event === undefined) {
    reply.error(`ERR No samples available for event '${args[2]!}'`);
    return;
  }
  const values = event.samples.map(({ milliseconds }) => milliseconds);
  const range = `high ${Math.max(...values)} ms, low ${Math.min(...values)} ms`;
  reply.verbatim(`${args[2]!} - ${range} (all time high ${event.maxMs} ms)\n${'-'.repeat(80)}\n${barsOf(event)}\n`);
};

const OFF =
  "I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this Redis instance. You may use \"CONFIG SET latency-monitor-threshold <milliseconds>.\" in order to enable it. If we weren't in a deep space mission I'd suggest to take a look at https://redis.io/topics/latency-monitor.\n";
const CALM =
  'Dave, no latency spike was observed during the lifetime of this Redis instance, not in the slightest bit. I honestly think you ought to sit down calmly, take a stress pill, and think things over.\n';

function spikes(name: string, { samples, maxMs }: LatencyEvent): string {
  const values = samples.map(({ milliseconds }) => milliseconds);
  const average = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = values.reduce((sum, value) => sum + Math.abs(value - average), 0) / values.length;
  const period = (Math.floor(clock.now / 1000) - samples[0]!.at) / samples.length;
  return `${name}: ${values.length} latency spikes (average ${Math.floor(average)}ms, mean deviation ${Math.floor(deviation)}ms, period ${period.toFixed(2)} sec). Worst all time event ${maxMs}ms.`;
}

const doctor: Run = ({ server, reply }) => {
  const events = [...(server.latencyEvents ?? [])];
  if (events.length === 0) {
    reply.verbatim(server.latencyThresholdMs === 0 ? OFF : CALM);
    return;
  }
  const lines = events.map(([name, event], i) => `${i + 1}. ${spikes(name, event)}`);
  reply.verbatim(
    `Dave, I have observed latency spikes in this Redis instance. You don't mind talking about it, do you Dave?\n\n${lines.join('\n')}\n\nI have a few advices for you:\n\n- Check your Slow Log to understand what are the commands you are running which are too slow to execute. Please check https://redis.io/commands/slowlog for more information.\n- Deleting, expiring or evicting (because of maxmemory policy) large objects is a blocking operation. If you have very large objects that are often deleted, expired, or evicted, try to fragment those objects into multiple smaller objects.\n`,
  );
};

/** The names that are asked about: a container stands for its subcommands. */
function named({ commandStats }: Server, names: readonly string[]): [string, CommandStat][] {
  const found = new Map<string, CommandStat>();
  for (const name of names.length > 0 ? names.map((one) => one.toLowerCase()) : commandStats.keys()) {
    const command = commandNamed(name);
    const parts =
      command?.subcommands === undefined ? [name] : [...command.subcommands.values()].map((sub) => sub.fullName);
    for (const part of parts) {
      const stat = commandStats.get(part);
      if (stat?.histogram !== undefined) found.set(part, stat);
    }
  }
  return [...found];
}

const histogram: Run = ({ server, reply }: Client, args) => {
  const found = named(server, args.slice(2));
  reply.map(found.length);
  for (const [name, stat] of found) {
    reply.bulk(name);
    reply.map(2);
    reply.bulk('calls');
    reply.integer(stat.histogram!.reduce((sum, count) => sum + count, 0));
    reply.bulk('histogram_usec');
    const steps = cumulated(stat.histogram!);
    reply.map(steps.length);
    for (const [microseconds, calls] of steps) {
      reply.integer(microseconds);
      reply.integer(calls);
    }
  }
};

const row = (name: string, arity: number, summary: string, run: Run, since = '2.8.13'): CommandSpec => ({
  name,
  arity,
  flags: 'admin noscript loading stale',
  group: 'server',
  since,
  summary,
  run,
});

/** LATENCY: what has taken long, and how long commands take. */
export const latencyCommands: readonly CommandSpec[] = [
  {
    name: 'latency',
    arity: -2,
    flags: '',
    group: 'server',
    since: '2.8.13',
    summary: 'A container for latency diagnostics commands.',
    subcommands: [
      row('latest', 2, 'Returns the latest latency samples for all events.', latest),
      row('history', 3, 'Returns timestamp-latency samples for an event.', history),
      row('reset', -2, 'Resets the latency data for one or more events.', reset),
      row('graph', 3, 'Returns a latency graph for an event.', graph),
      row('doctor', 2, 'Returns a human-readable latency analysis report.', doctor),
      {
        ...row(
          'histogram',
          -2,
          'Returns the cumulative distribution of latencies of a subset or all commands.',
          histogram,
          '7.0.0',
        ),
      },
    ],
  },
];
