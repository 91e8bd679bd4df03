import { aclRefusal } from '../acl/refuse.ts';
import { serveReady } from '../clients/blocking.ts';
import type { Client, Server } from '../clients/server.ts';
import type { Transaction } from '../clients/states.ts';
import { noteCall, noteErrors, statOf } from '../clients/statistics.ts';
import { beginCommand, endCommand } from '../clients/tracking.ts';
import { discard } from '../clients/transactions.ts';
import { deliverOwn } from '../clients/pushes.ts';
import { feedMonitors } from '../clients/monitor.ts';
import { parseScript } from '../scripting/script.ts';
import { makeRoom } from '../keyspace/eviction.ts';
import { spelledOut, withLarge } from '../protocol/large-arguments.ts';
import { NO_AUTH, NO_REPLICAS, OOM, unknownCommand, unknownSubcommand, wrongArity } from '../protocol/errors.ts';
import type { Command } from './command.ts';
import { runExtra } from './extra.ts';
import { commandNamed } from './registry.ts';
import { readsMany, track, walkAndTrack } from './track-reads.ts';
import { carryOut, takenBy } from './walk.ts';
import type { Walk } from './walk.ts';

/** What begins HTTP requests, as browsers can be tricked into sending them: the connection is closed without a word. */
const OF_HTTP = new Set(['post', 'host:']);

/** To look the global up for each command would cost as much as a part of many a command. */
const stopwatch = performance;

/** When the command before ended: commands run one after another, so one reading of the clock per command is enough. */
let stampMs = stopwatch.now();

/** Starts the stopwatch for a batch of commands. */
export function startBatch(): void {
  stampMs = stopwatch.now();
}

/** When the latest command ended, by the stopwatch. */
export function stamp(): number {
  return stampMs;
}

/** The command of a request, or undefined when there is none of that name; the number of words is not looked at. */
export function lookUp(args: readonly string[]): Command | undefined {
  const command = commandNamed(args[0]!);
  if (command?.subcommands === undefined || args.length < 2) return command;
  return command.subcommands.get(args[1]!.toLowerCase());
}

/** Finds the command of a request, or the error line that refuses it. */
export function resolve(args: readonly string[]): Command | string {
  const command = commandNamed(args[0]!);
  if (command === undefined) return unknownCommand(args);
  if (command.subcommands !== undefined && args.length > 1) {
    const sub = command.subcommands.get(args[1]!.toLowerCase());
    if (sub === undefined) return unknownSubcommand(command.fullName, args[1]!);
    return arityHolds(sub, args) ? sub : wrongArity(sub.fullName);
  }
  return arityHolds(command, args) ? command : wrongArity(command.fullName);
}

/** Whether a request has as many words as its command takes. */
export function arityHolds({ arity }: Command, args: readonly string[]): boolean {
  return arity > 0 ? args.length === arity : args.length >= -arity;
}

/**
 * Carries out one request of a client, or queues it in its transaction, and writes the reply.
 * False means that the node is paused and the request must be given again later.
 */
export function execute(client: Client, args: readonly string[]): boolean {
  return client.replyMode === 'on' ? dispatch(client, args) : quietly(client, args);
}

const SUBSCRIBES = new Set('subscribe psubscribe ssubscribe unsubscribe punsubscribe sunsubscribe'.split(' '));

/** Drops the reply, as CLIENT REPLY OFF or SKIP asked for, unless the request turns replies on again. */
function quietly(client: Client, args: readonly string[]): boolean {
  const { reply } = client;
  const mark = reply.mark();
  if (client.replyMode === 'skip-next') client.replyMode = 'skip';
  const done = dispatch(client, args);
  const mode: Client['replyMode'] = client.replyMode;
  // Who subscribes wants to know all the same.
  if (mode !== 'on' && !SUBSCRIBES.has(client.lastCommand)) {
    reply.rollback(mark);
    if (client.pending !== undefined) {
      reply.mute();
      client.pending = client.pending.finally(() => reply.unmute());
    }
  }
  if (mode === 'skip' && done) client.replyMode = 'on';
  return done;
}

function dispatch(client: Client, args: readonly string[]): boolean {
  const command = resolve(args);
  if (typeof command === 'string') {
    if (OF_HTTP.has(args[0]!.toLowerCase())) {
      client.transport?.destroy();
      return true;
    }
    if (client.privileged && runExtra(client, args)) return true;
    reject(client, commandNamed(args[0]!), command);
    return true;
  }
  client.lastCommand = command.fullName;
  if (client.node.busy && client.authenticated && !mayInterrupt(command)) {
    const busy = client.server.scripting?.busy;
    if (busy === undefined) {
      const goOn = (): void => client.transport?.resume();
      client.server.scripting?.whenFree(goOn);
      void client.node.whole().then(goOn);
      return false;
    }
    reject(client, command, busy);
    return true;
  }
  const refusal = refusalOf(client, command, args);
  if (refusal !== undefined) {
    reject(client, command, refusal);
    return true;
  }
  if (client.server.pausedUntilMs !== 0 && mustWait(client, command, args)) return false;
  const { transaction } = client;
  if (transaction !== undefined && !command.unqueued) {
    // On the platform an AUTH may lead to another node, or another process.
    const allowed = !command.noMulti || (command.noAuth && client.server.host.standalone);
    if (!allowed) reject(client, command, 'ERR Command not allowed inside a transaction');
    else if (
      !enqueue(
        transaction,
        args === withLarge.latest ? spelledOut(args) : args,
        client.server.host.limits.queryBufferBytesMax,
      )
    )
      reject(client, command, 'ERR The transaction is larger than client-query-buffer-limit');
    else client.reply.simple('QUEUED');
    return true;
  }
  const { server } = client;
  server.current = client;
  call(client, command, args);
  server.current = undefined;
  if (server.ownPushes !== undefined) deliverOwn(server, client);
  return true;
}

/** Adds a request to a transaction; one that would be larger than what a connection may keep is given up, and false returned. */
function enqueue(transaction: Transaction, args: readonly string[], bytesMax: number): boolean {
  for (const arg of args) transaction.bytes += arg.length + 32;
  if (transaction.bytes > bytesMax) transaction.queue.length = 0;
  else transaction.queue.push(args);
  return transaction.bytes <= bytesMax;
}

/** Whether a command runs between two slices of a script. EXEC itself must wait, whatever was queued. */
function mayInterrupt(command: Command): boolean {
  return command.whileBusy && command.fullName !== 'exec';
}

/** Why a command may not run now, as an error line. */
function refusalOf(client: Client, command: Command, args: readonly string[]): string | undefined {
  if (!client.authenticated && !command.noAuth) return NO_AUTH;
  if (client.restrictedTo !== undefined) {
    const denied = aclRefusal(client, command, args);
    if (denied !== undefined) return denied;
  }
  const { node } = client;
  if (node.unavailable !== undefined && !command.whileLoading) return node.unavailable;
  const { full } = client.server.host;
  if (node.maxMemory !== 0 || full) {
    const enough = makeRoom(node) && !full;
    if (!enough && (command.denyOom || (command.fullName === 'exec' && queuedNeedsMemory(client)))) return OOM;
  }
  if (command.write || command.fullName === 'exec') {
    const refused = writeRefusal(client, command);
    if (refused !== undefined) return refused;
  }
  if (!command.whileSubscribed && client.subscriptions > 0 && !client.reply.resp3) {
    return `ERR Can't execute '${command.fullName}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`;
  }
  return undefined;
}

function queuedNeedsMemory(client: Client): boolean {
  return client.transaction?.queue.some((args) => commandNamed(args[0]!)?.denyOom === true) ?? false;
}

function queuedWrites(client: Client): boolean {
  return client.transaction?.queue.some((args) => mayWrite(client, commandNamed(args[0]!), args)) ?? false;
}

/** Whether a request may change anything: scripts can say of themselves that they do not. */
function mayWrite({ server }: Client, command: Command | undefined, args: readonly string[]): boolean {
  if (command?.mayReplicate !== true) return false;
  return (
    command.spec.group !== 'scripting' || command.subcommands !== undefined || !saysReadsOnly(args, server.scripting)
  );
}

function writeRefusal(client: Client, command: Command): string | undefined {
  const { node } = client;
  const failure = node.journal?.failure;
  const lonely = lacksReplicas(client.server);
  if (failure === undefined && node.writesRefused === undefined && !lonely) return undefined;
  if (!command.write && !queuedWrites(client)) return undefined;
  return node.writesRefused ?? (lonely ? NO_REPLICAS : `MISCONF Errors writing to the AOF file: ${failure}`);
}

/** Whether writes wait for replicas to be there, which a node has none of. */
export function lacksReplicas(server: Server): boolean {
  return server.configured && Number(server.changed('min-replicas-to-write') ?? 0) > 0;
}

/** A node that has run no script yet has nobody who knows one, and an EVAL brings its own. */
function saysReadsOnly(args: readonly string[], scripting: Client['server']['scripting']): boolean {
  if (scripting !== undefined) return scripting.readsOnly(args);
  const script = args[0]!.toLowerCase() === 'eval' ? parseScript(args[1]!, '') : undefined;
  return typeof script === 'object' && script.flags?.has('no-writes') === true;
}

function mustWait(client: Client, command: Command, args: readonly string[]): boolean {
  const { server } = client;
  if (client.transport === undefined || client.privileged) return false;
  if (!server.pausedWritesOnly) return command.fullName !== 'client|unpause';
  return mayWrite(client, command, args) || (command.fullName === 'exec' && queuedWrites(client));
}

/**
 * Runs a command without asking whether it may, propagates its effect and keeps the statistics. What takes long for a script is
 * returned as its steps, which the script takes while it can be suspended.
 */
export function call(client: Client, command: Command, args: readonly string[]): Walk | undefined {
  const { node, server } = client;
  const { dirty } = node;
  const { index } = client.db;
  node.rewritten = false;
  const { tracking } = server;
  // What a script does is the doing of who runs it.
  if (tracking !== undefined && client.transport !== undefined) beginCommand(tracking, client);
  if (client.noTouch) node.noTouch = command.fullName !== 'touch';
  if (command.shownFirst && server.monitors !== undefined) showToMonitors(client, command, args);
  const beganMs = stampMs;
  const ran = command.run(client, args);
  const walk = readsMany(client, command, args) ? walkAndTrack(client, command, args, ran ?? undefined) : ran;
  // Commands that it called have read the stopwatch, too.
  stampMs = beganMs;
  if (client.noTouch) node.noTouch = false;
  if (walk !== undefined) {
    const ended = (beganMs: number): void => {
      stampMs = beganMs;
      if (server.tracking !== undefined) beginCommand(server.tracking, client);
      afterRun(client, server, command, args, dirty, index);
    };
    if (client.scripted && !node.replaying) return takenBy(client, walk, ended);
    if (!carryOut(client, walk, ended)) return undefined;
  }
  afterRun(client, server, command, args, dirty, index);
  return undefined;
}

/**
 * What follows once a command has done its work. `server`, `dirty` and `index` are as they were before it: AUTH may have moved
 * the client to another node, which knows nothing of the command.
 */
function afterRun(
  client: Client,
  server: Server,
  command: Command,
  args: readonly string[],
  dirty: number,
  index: number,
): void {
  const { node, tracking } = server;
  // A script that was suspended goes on later, and its effects are one block.
  const whole = !client.executing && !node.busy;
  if (node.dirty !== dirty && !node.rewritten) {
    if (whole && node.effects.length === 0) node.writeDown(index, args);
    else node.addEffect(index, args);
  }
  if (whole) {
    if (node.effects.length > 0) node.flushEffects();
    if (node.readyKeys.length > 0) serveReady(server);
  }
  if (tracking !== undefined && !client.executing) endCommand(tracking, client);
  if (server.monitors !== undefined && !command.shownFirst) showToMonitors(client, command, args);
  if (client.tracking !== undefined) track(client, command, args);
  const now = stopwatch.now();
  const microseconds = (now - stampMs) * 1000;
  stampMs = now;
  node.commandsProcessed++;
  // What waits, or is a script that goes on, is counted once it has its reply.
  if (client.blocked !== undefined || (client.runsOn && client.suspended === undefined)) {
    client.suspended = { command, args, microseconds, refusal: () => aclRefusal(client, command, args) };
  } else noteCall(client, command, args, microseconds);
}

/** Redis holds administrative commands to be too dangerous to be shown. */
function showToMonitors(client: Client, command: Command, args: readonly string[]): void {
  if (!command.admin) feedMonitors(client.server.monitors!, client, client.db.index, spelledOut(args));
}

function reject(client: Client, command: Command | undefined, line: string): void {
  if (command !== undefined) statOf(client.server, command.fullName).rejected++;
  if (command?.fullName === 'exec') {
    discard(client);
    client.reply.error(`EXECABORT Transaction discarded because of: ${line.replace(/^ERR /, '')}`);
  } else {
    if (client.transaction !== undefined) client.transaction.broken = true;
    client.reply.error(line);
  }
  noteErrors(client);
}
