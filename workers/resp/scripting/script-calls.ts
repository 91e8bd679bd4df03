import { isUnrestricted } from './unrestricted.ts';
import { denialOf, denialText } from '../acl/check.ts';
import { noteDenial } from '../acl/log.ts';
import type { Client, Server } from '../clients/server.ts';
import type { Command } from '../commands/command.ts';
import { noteErrors, statOf } from '../clients/statistics.ts';
import type { Walk } from '../commands/walk.ts';
import { arityHolds, call, lacksReplicas, lookUp } from '../commands/execute.ts';
import { trackRead } from '../commands/track-reads.ts';
import type { Piece } from '../protocol/chunk.ts';
import { NO_REPLICAS, OOM } from '../protocol/errors.ts';
import type { Job } from './job.ts';

/** What a script may exceed the node's memory by before its writes are refused half way. */
const OVERRUN_BYTES = 16 * 1_048_576;

/** A reply that is made in steps, in pieces. */
type Steps = Generator<void, readonly Piece[]>;

/** What a script may be told: the reply, or how it comes about when that takes long; undefined when it must begin anew. */
export function callFromScript(
  inner: Client,
  job: Job | undefined,
  args: readonly string[],
): string | Steps | undefined {
  if (job === undefined || job.kind === 'load')
    return '-ERR redis.call/pcall can only be called inside a script invocation\r\n';
  const { retold } = job;
  if (retold !== undefined) {
    const told = retold.replies[retold.at++];
    if (told === undefined) delete job.retold;
    return told ?? retold.unfinished;
  }
  const reply = carryOut(inner, job, args);
  const { replies } = job;
  if (replies === undefined) return reply;
  if (typeof reply === 'string') {
    replies.push(reply);
    return reply;
  }
  job.retold = { replies, at: 0, unfinished: reply };
  job.replies = undefined;
  return undefined;
}

function carryOut(inner: Client, job: Job, args: readonly string[]): string | Steps {
  const { reply } = inner;
  const command = lookUp(args);
  const refusal = refusalOf(inner, job, command, args);
  if (refusal !== undefined) {
    if (command !== undefined) statOf(inner.server, command.fullName).rejected++;
    reply.error(refusal);
    noteErrors(inner);
    return reply.takeText();
  }
  if (command!.write) job.wrote = true;
  const steps = call(inner, command!, args);
  if (steps !== undefined) return inSteps(inner, job, command!, args, steps);
  if (job.client.tracking !== undefined) trackRead(job.client, command!, args);
  return reply.pieces.length === 0 ? reply.takeText() : whole(reply.take());
}

function* inSteps(inner: Client, job: Job, command: Command, args: readonly string[], steps: Walk): Steps {
  job.calling = true;
  yield* steps;
  job.calling = false;
  if (job.client.tracking !== undefined) trackRead(job.client, command, args);
  return inner.reply.take();
}

/** A long reply that is there. */
// oxlint-disable-next-line require-yield -- to turn it into values takes the steps.
function* whole(pieces: readonly Piece[]): Steps {
  return pieces;
}

/** Why a script may not call a command now, in Redis's order. */
function refusalOf(inner: Client, job: Job, command: Command | undefined, args: readonly string[]): string | undefined {
  if (command === undefined) return 'ERR Unknown Redis command called from script';
  if (!arityHolds(command, args)) return 'ERR Wrong number of args calling Redis command from script';
  if (command.noScript && !isUnrestricted(inner.server)) return 'ERR This Redis command is not allowed from script';
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
