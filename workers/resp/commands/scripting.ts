import type { Client } from '../clients/server.ts';
import { BUSY_FUNCTION, NO_REPLICAS, OOM } from '../protocol/errors.ts';
import { scriptingOf } from '../scripting/scripts.ts';
import type { Script } from '../scripting/script.ts';
import { integerArg } from './arguments.ts';
import { countedKeys } from './command.ts';
import type { CommandSpec, Run } from './command.ts';
import { lacksReplicas } from './execute.ts';

const NO_SCRIPT = 'NOSCRIPT No matching script. Please use EVAL.';
const UNKILLABLE =
  'UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.';

/** Why a script or function that tells by flags what it does may not run now, as an error line. */
export function flagRefusal(
  { server }: Client,
  flags: ReadonlySet<string> | undefined,
  readOnly: boolean,
): string | undefined {
  if (flags === undefined || flags.has('no-writes')) return undefined;
  const { node } = server;
  if (!flags.has('allow-oom') && scriptingOf(server).jobs.full) return OOM;
  if (node.writesRefused !== undefined) return node.writesRefused;
  if (node.journal?.failure !== undefined)
    return `MISCONF Redis is configured to persist data to AOF, but it's currently unable to persist to disk. Writable scripts are blocked. Use 'no-writes' flag for read only scripts. AOF error: ${node.journal.failure}`;
  if (lacksReplicas(server)) return NO_REPLICAS;
  return readOnly ? 'ERR Can not execute a script with write flag using *_ro command.' : undefined;
}

/** How many of the arguments after it `numkeys` takes as keys; undefined after it has replied what is wrong. */
export function keyCount({ reply }: Client, count: number, args: readonly string[]): number | undefined {
  if (count > args.length - 3) reply.error("ERR Number of keys can't be greater than number of args");
  else if (count < 0) reply.error("ERR Number of keys can't be negative");
  else return count;
  return undefined;
}

/** Runs a script with the arguments from `numkeys` on. */
function runScript(client: Client, find: () => Script | string, args: readonly string[], readOnly: boolean): void {
  const given = integerArg(client, args[2]!);
  const count = given === undefined ? undefined : keyCount(client, given, args);
  if (count === undefined) return;
  const script = find();
  const refusal = typeof script === 'string' ? script : flagRefusal(client, script.flags, readOnly);
  if (typeof script === 'string' || refusal !== undefined) {
    client.reply.error(refusal!);
    return;
  }
  const keys = args.slice(3, 3 + count);
  scriptingOf(client.server).run(client, script, args, keys, args.slice(3 + count), readOnly);
}

const evalWith =
  (readOnly: boolean): Run =>
  (client, args) =>
    runScript(client, () => scriptingOf(client.server).load(args[1]!, false), args, readOnly);

const evalShaWith =
  (readOnly: boolean): Run =>
  (client, args) => {
    // As Redis: what can't be a digest is looked at before the number of keys.
    if (args[1]!.length !== 40) client.reply.error(NO_SCRIPT);
    else runScript(client, () => scriptingOf(client.server).cache.byDigest(args[1]!) ?? NO_SCRIPT, args, readOnly);
  };

const scriptLoad: Run = (client, args) => {
  const script = scriptingOf(client.server).load(args[2]!, true);
  if (typeof script === 'string') client.reply.error(script);
  else client.reply.bulk(script.sha);
};

const scriptExists: Run = ({ server, reply }, args) => {
  const { cache } = scriptingOf(server);
  reply.array(args.length - 2);
  for (const sha of args.slice(2)) reply.integer(cache.has(sha) ? 1 : 0);
};

const scriptFlush: Run = ({ server, reply }, args) => {
  const mode = args[2]?.toLowerCase();
  if (args.length > 3 || (mode !== undefined && mode !== 'sync' && mode !== 'async')) {
    reply.error('ERR SCRIPT FLUSH only support SYNC|ASYNC option');
    return;
  }
  if (server.scripting !== undefined) scriptingOf(server).flush();
  reply.ok();
};

/** SCRIPT KILL and FUNCTION KILL. */
export const killWith =
  (kind: 'eval' | 'function', other: string): Run =>
  ({ server, reply }) => {
    const outcome = server.scripting?.kill(kind) ?? 'none';
    if (outcome === 'killed') reply.ok();
    else if (outcome === 'wrote') reply.error(UNKILLABLE);
    else if (outcome === 'other') reply.error(other);
    else reply.error('NOTBUSY No scripts in execution right now.');
  };

/** The debugger would let a client stop the node for as long as it likes. */
const scriptDebug: Run = ({ reply }, args) => {
  const mode = args[2]!.toLowerCase();
  if (mode === 'no') reply.ok();
  else if (mode === 'yes' || mode === 'sync')
    reply.error('ERR The Lua debugger is not available. Use redis.log or return values instead.');
  else reply.error('ERR Use SCRIPT DEBUG YES/SYNC/NO');
};

/** A command that runs a script or function. */
export const runRow = (name: string, since: string, flags: string, summary: string, run: Run): CommandSpec => ({
  name,
  arity: -3,
  flags: `noscript stale skip_monitor no_mandatory_keys movablekeys ${flags}`.trim(),
  keys: countedKeys(2),
  group: 'scripting',
  since,
  summary,
  acl: 'scripting',
  run,
});

/** A subcommand of SCRIPT or FUNCTION. */
export const scriptingSub = (
  name: string,
  arity: number,
  since: string,
  flags: string,
  summary: string,
  run: Run,
): CommandSpec => ({
  name,
  arity,
  flags: `noscript ${flags}`.trim(),
  group: 'scripting',
  since,
  summary,
  acl: 'scripting',
  run,
});
export const scriptingCommands: readonly CommandSpec[] = [
  runRow('eval', '2.6.0', 'may_replicate', 'Executes a server-side Lua script.', evalWith(false)),
  runRow('evalsha', '2.6.0', 'may_replicate', 'Executes a server-side Lua script by SHA1 digest.', evalShaWith(false)),
  runRow('eval_ro', '7.0.0', 'readonly', 'Executes a read-only server-side Lua script.', evalWith(true)),
  runRow(
    'evalsha_ro',
    '7.0.0',
    'readonly',
    'Executes a read-only server-side Lua script by SHA1 digest.',
    evalShaWith(true),
  ),
  {
    name: 'script',
    arity: -2,
    flags: '',
    group: 'scripting',
    since: '2.6.0',
    summary: 'A container for Lua scripts management commands.',
    subcommands: [
      scriptingSub('load', 3, '2.6.0', 'stale', 'Loads a server-side Lua script to the script cache.', scriptLoad),
      scriptingSub(
        'exists',
        -3,
        '2.6.0',
        '',
        'Determines whether server-side Lua scripts exist in the script cache.',
        scriptExists,
      ),
      scriptingSub('flush', -2, '2.6.0', '', 'Removes all server-side Lua scripts from the script cache.', scriptFlush),
      scriptingSub(
        'kill',
        2,
        '2.6.0',
        'allow_busy',
        'Terminates a server-side Lua script during execution.',
        killWith('eval', BUSY_FUNCTION),
      ),
      scriptingSub('debug', 3, '3.2.0', '', 'Sets the debug mode of server-side Lua scripts.', scriptDebug),
    ],
  },
];
