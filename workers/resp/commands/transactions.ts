import type { Client } from '../clients/server.ts';
import { aclRefusalAtExec } from '../acl/refuse.ts';
import { serveReady } from '../clients/blocking.ts';
import { discard, unwatch } from '../clients/transactions.ts';
import { inTurn } from '../clients/turns.ts';
import { EXEC_ABORT } from '../protocol/errors.ts';
import type { CommandSpec, KeySpec, Run } from './command.ts';
import { call, resolve } from './execute.ts';
import { overArguments } from './walk.ts';
import type { Walk } from './walk.ts';

function multi(client: Client): void {
  if (client.transaction !== undefined) {
    client.reply.error('ERR MULTI calls can not be nested');
    return;
  }
  client.transaction = { queue: [], bytes: 0, broken: false };
  client.reply.ok();
}

/** Whether a watched key has changed, or was there when it was watched and has since expired. */
function watchedChanged(client: Client): boolean {
  const { watcher } = client;
  if (watcher === undefined) return false;
  return (
    watcher.dirty ||
    client.watchedExpiring?.some(({ db, key }) => db.isExpired(key) && db.watched?.get(key)?.get(watcher) === false) ===
      true
  );
}

function exec(client: Client): void {
  const { reply, node, transaction } = client;
  if (transaction === undefined) {
    reply.error('ERR EXEC without MULTI');
    return;
  }
  const changed = watchedChanged(client);
  discard(client);
  if (transaction.broken) {
    reply.error(EXEC_ABORT);
    return;
  }
  if (changed) {
    reply.nullArray();
    return;
  }
  client.executing = true;
  reply.array(transaction.queue.length);
  const { queue } = transaction;
  for (const [i, args] of queue.entries()) {
    const pending = runQueued(client, args) ?? turnAfter(client, i);
    if (pending === undefined) continue;
    // What takes long is waited for: the rest follows when it has ended, and nobody of the node comes between.
    client.pending = execLater(client, queue.slice(i + 1), pending);
    node.rewritten = true;
    return;
  }
  client.executing = false;
  // What the queued commands propagated goes to the journal as one block; EXEC itself has no effect.
  node.rewritten = true;
}

/** Runs a queued command, and returns what is to be waited for when it is a script that takes long. */
function runQueued(client: Client, args: readonly string[]): Promise<void> | undefined {
  const command = resolve(args);
  const refusal = typeof command === 'string' ? command : aclRefusalAtExec(client, command, args);
  if (typeof command === 'string' || refusal !== undefined) client.reply.error(refusal!);
  else call(client, command, args);
  return client.pending;
}

/** After so many commands of a transaction other nodes have their turn. */
const COMMANDS_AT_ONCE = 64;

/** What is to be waited for after the queued command at a place before the next one may run. */
function turnAfter(client: Client, place: number): Promise<void> | undefined {
  const { server, transport } = client;
  if ((place + 1) % COMMANDS_AT_ONCE !== 0 || transport === undefined) return undefined;
  server.node.busy = true;
  client.pending = new Promise((resolve) => inTurn(server, resolve));
  return client.pending;
}

async function execLater(client: Client, rest: readonly (readonly string[])[], first: Promise<void>): Promise<void> {
  const { node, server } = client;
  await first;
  for (const [i, args] of rest.entries()) {
    client.pending = undefined;
    const pending = runQueued(client, args) ?? turnAfter(client, i);
    if (pending !== undefined) await pending;
  }
  client.executing = false;
  node.flushEffects();
  node.endWork();
  serveReady(server);
}

function discardCommand(client: Client): void {
  if (client.transaction === undefined) {
    client.reply.error('ERR DISCARD without MULTI');
    return;
  }
  discard(client);
  client.reply.ok();
}

function watch(client: Client, args: readonly string[]): Walk | undefined {
  const { db, reply } = client;
  if (client.transaction !== undefined) {
    reply.error('ERR WATCH inside MULTI is not allowed');
    return undefined;
  }
  const watcher = (client.watcher ??= { dirty: false });
  const watchOne = (key: string): void => {
    const ofDatabase = (db.watched ??= new Map());
    const watchers = ofDatabase.get(key) ?? new Map();
    ofDatabase.set(key, watchers);
    if (watchers.has(watcher)) return;
    watchers.set(watcher, db.isExpired(key));
    const watched = { db, key };
    (client.watchedKeys ??= []).push(watched);
    if (db.expiryOf(key) !== undefined) (client.watchedExpiring ??= []).push(watched);
  };
  const visit = (from: number, to: number): void => {
    for (let i = from; i < to; i++) watchOne(args[i]!);
  };
  return overArguments(args, 1, visit, () => reply.ok());
}

function unwatchCommand(client: Client): void {
  unwatch(client);
  client.reply.ok();
}

const row = (name: string, arity: number, since: string, summary: string, run: Run, keys?: KeySpec): CommandSpec => ({
  name,
  arity,
  flags: 'noscript loading stale fast allow_busy',
  ...(keys === undefined ? {} : { keys }),
  group: 'transactions',
  since,
  summary,
  run,
});

export const transactionCommands: readonly CommandSpec[] = [
  row('multi', 1, '1.2.0', 'Starts a transaction.', multi),
  {
    ...row('exec', 1, '1.2.0', 'Executes all commands in a transaction.', exec),
    flags: 'noscript loading stale skip_slowlog',
  },
  row('discard', 1, '2.0.0', 'Discards a transaction.', discardCommand),
  row('watch', -2, '2.2.0', 'Monitors changes to keys to determine the execution of a transaction.', watch, [1, -1, 1]),
  row('unwatch', 1, '2.2.0', 'Forgets about watched keys of a transaction.', unwatchCommand),
];
