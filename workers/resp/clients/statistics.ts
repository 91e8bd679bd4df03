import { noteSpike } from './latency-events.ts';
import { countLatency } from './latency-histogram.ts';
import type { Client, Server } from './server.ts';
import type { CalledCommand, CommandStat } from './calls.ts';
import { noteSlow } from './slow-log.ts';

/** Kinds of errors counted one by one; whoever makes up more of them does so in vain. */
const ERROR_KINDS_MAX = 128;

/** What is counted of a command, by its full name. */
export function statOf({ commandStats }: Server, name: string): CommandStat {
  let stat = commandStats.get(name);
  if (stat === undefined) {
    stat = { calls: 0, microseconds: 0, rejected: 0, failed: 0, histogram: undefined };
    commandStats.set(name, stat);
  }
  return stat;
}

/** Counts a call that has ended, and what it took. */
export function noteCall(
  client: Client,
  { fullName, fast, skipsSlowLog }: CalledCommand,
  args: readonly string[],
  microseconds: number,
): void {
  const { server } = client;
  const stat = statOf(server, fullName);
  stat.calls++;
  stat.microseconds += microseconds;
  if (client.reply.errors !== client.errorsSeen) {
    noteErrors(client);
    stat.failed++;
  }
  if (server.latencyTracking) countLatency(stat, microseconds);
  if (server.latencyThresholdMs !== 0) noteSpike(server, fast ? 'fast-command' : 'command', microseconds / 1000);
  if (microseconds >= server.slowLogMicroseconds && server.slowLogMicroseconds >= 0 && !skipsSlowLog) {
    noteSlow(client, args, microseconds);
  }
}

/** Counts the errors that were replied to a client since this was last asked. */
export function noteErrors(client: Client): void {
  const { server, reply } = client;
  const count = reply.errors - client.errorsSeen - reply.counted;
  client.errorsSeen = reply.errors;
  reply.counted = 0;
  if (count <= 0) return;
  server.totalErrors += count;
  const code = /^[^ ]*/.exec(reply.lastError)![0];
  const known = server.errorStats.get(code);
  if (known !== undefined || server.errorStats.size < ERROR_KINDS_MAX)
    server.errorStats.set(code, (known ?? 0) + count);
}

/** Counts an error that came after the call it belongs to had ended: an asynchronous command has failed. */
export function noteLateErrors(client: Client): void {
  if (client.reply.errors === client.errorsSeen) return;
  noteErrors(client);
  statOf(client.server, client.lastCommand).failed++;
}

/** Counts the call of a client that was unblocked, or whose script has ended, and has its reply; with what it took since it was suspended. */
export function noteResumed(client: Client, moreMicroseconds = 0): void {
  const { suspended } = client;
  if (suspended === undefined) return;
  client.suspended = undefined;
  noteCall(client, suspended.command, suspended.args, suspended.microseconds + moreMicroseconds);
}

/** Counts that a blocked call was refused in the end. */
export function noteRejected(client: Client): void {
  const { suspended } = client;
  if (suspended === undefined) return;
  client.suspended = undefined;
  statOf(client.server, suspended.command.fullName).rejected++;
  noteErrors(client);
}
