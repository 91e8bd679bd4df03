import { denialOf, denialText } from '../acl/check.ts';
import { noteDenial } from '../acl/log.ts';
import type { Client, Server } from '../clients/server.ts';
import type { Command } from '../commands/command.ts';
import { noteErrors, statOf } from '../clients/statistics.ts';
import { arityHolds, call, lacksReplicas, lookUp, trackRead } from '../commands/execute.ts';
import { NO_REPLICAS, OOM } from '../protocol/errors.ts';
import type { Job } from './job.ts';

/** What a script may exceed the node's memory by before its writes are refused half way. */
const OVERRUN_BYTES = 16 * 1_048_576;

/** Carries out a command that a script calls and returns its reply; a refusal is an error reply. */
export function callFromScript(inner: Client, job: Job | undefined, args: readonly string[]): string {
  if (job === undefined || job.kind === 'load')
    return '-ERR redis.call/pcall can only be called inside a script invocation\r\n';
  const command = lookUp(args);
  const refusal = refusalOf(inner, job, command, args);
  if (refusal !== undefined) {
    if (command !== undefined) statOf(inner.server, command.fullName).rejected++;
    inner.reply.error(refusal);
    noteErrors(inner);
    return inner.reply.takeText();
  }
  if (command!.write) job.wrote = true;
  call(inner, command!, args);
  if (job.client.tracking !== undefined) trackRead(job.client, command!, args);
  return inner.reply.takeText();
}

/** Why a script may not call a command now, in Redis's order. */
function refusalOf(inner: Client, job: Job, command: Command | undefined, args: readonly string[]): string | undefined {
  if (command === undefined) return 'ERR Unknown Redis command called from script';
  if (!arityHolds(command, args)) return 'ERR Wrong number of args calling Redis command from script';
  if (command.noScript) return 'ERR This Redis command is not allowed from script';
  const { restrictedTo: user } = job.client;
  const denial = user === undefined ? undefined : denialOf(user, command, args);
  if (denial !== undefined) {
    noteDenial(job.client, denial.reason, denial.subject, user!.name, 'lua');
    return `ERR ACL failure in script: ${denialText(user!.name, denial)}`;
  }
  if (job.readOnly && command.mayReplicate) return 'ERR Write commands are not allowed from read-only scripts.';
  return command.write ? writeRefusalOf(inner.server, job, command) : undefined;
}

function writeRefusalOf(server: Server, job: Job, command: Command): string | undefined {
  const { node } = server;
  if (node.writesRefused !== undefined) return node.writesRefused;
  // A script that has begun to write is not stopped in the middle by what may pass.
  if (node.journal?.failure !== undefined && !job.wrote)
    return `MISCONF Errors writing to the AOF file: ${node.journal.failure}`;
  if (!job.wrote && lacksReplicas(server)) return NO_REPLICAS;
  if (!command.denyOom || job.allowOom) return undefined;
  const over = node.maxMemory !== 0 && node.usedBytes > node.maxMemory * 1.25 + OVERRUN_BYTES;
  return over || (job.full && !job.wrote) ? OOM : undefined;
}

/** Whether a script's caller may call a command; undefined when there is no such command. */
export function mayCall({ restrictedTo: user }: Client, args: readonly string[]): boolean | undefined {
  const command = lookUp(args);
  if (command === undefined) return undefined;
  return user === undefined || denialOf(user, command, args) === undefined;
}
