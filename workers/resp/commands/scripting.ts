import type { Client } from '../clients/server.ts';
import { scriptingOf } from '../scripting/scripts.ts';
import type { Script } from '../scripting/script.ts';
import { SYNTAX } from '../protocol/errors.ts';
import { integerArg } from './arguments.ts';
import { countedKeys } from './command.ts';
import type { CommandSpec, Run } from './command.ts';

const NO_SCRIPT = 'NOSCRIPT No matching script. Please use EVAL.';

/** Runs a script with the arguments from `numkeys` on. */
function runScript(client: Client, find: () => Script | string, args: readonly string[], readOnly: boolean): void {
  const count = integerArg(client, args[2]!);
  if (count === undefined) return;
  if (count > args.length - 3) return client.reply.error("ERR Number of keys can't be greater than number of args");
  if (count < 0) return client.reply.error("ERR Number of keys can't be negative");
  const script = find();
  if (typeof script === 'string') return client.reply.error(script);
  scriptingOf(client.server).run(client, script, args.slice(3, 3 + count), args.slice(3 + count), readOnly);
}

const evalWith =
  (readOnly: boolean): Run =>
  (client, args) =>
    runScript(client, () => scriptingOf(client.server).load(args[1]!), args, readOnly);

const evalShaWith =
  (readOnly: boolean): Run =>
  (client, args) => {
    // As Redis: what can't be a digest is looked at before the number of keys.
    if (args[1]!.length !== 40) client.reply.error(NO_SCRIPT);
    else
      runScript(client, () => client.server.scripting?.cache.get(args[1]!.toLowerCase()) ?? NO_SCRIPT, args, readOnly);
  };

const scriptLoad: Run = (client, args) => {
  const script = scriptingOf(client.server).load(args[2]!);
  if (typeof script === 'string') client.reply.error(script);
  else client.reply.bulk(script.sha);
};

const scriptExists: Run = ({ server, reply }, args) => {
  reply.array(args.length - 2);
  for (const sha of args.slice(2)) reply.integer(server.scripting?.cache.has(sha.toLowerCase()) === true ? 1 : 0);
};

const scriptFlush: Run = ({ server, reply }, args) => {
  const mode = args[2]?.toLowerCase();
  if (args.length > 3 || (mode !== undefined && mode !== 'sync' && mode !== 'async')) {
    reply.error('ERR SCRIPT FLUSH only support SYNC|ASYNC option');
    return;
  }
  server.scripting?.flush();
  reply.ok();
};

const scriptKill: Run = ({ server, reply }) => {
  const outcome = server.scripting?.kill() ?? 'none';
  if (outcome === 'killed') reply.ok();
  else if (outcome === 'wrote')
    reply.error(
      'UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.',
    );
  else reply.error('NOTBUSY No scripts in execution right now.');
};

/** The debugger would let a client stop the node for as long as it likes. */
const scriptDebug: Run = ({ reply }, args) => {
  if (args[2]!.toLowerCase() === 'no') reply.ok();
  else if (['yes', 'sync'].includes(args[2]!.toLowerCase()))
    reply.error('ERR The Lua debugger is not available. Use redis.log or return values instead.');
  else reply.error(SYNTAX);
};

const run = (name: string, since: string, flags: string, summary: string, run: Run): CommandSpec => ({
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

const sub = (name: string, arity: number, since: string, flags: string, summary: string, run: Run): CommandSpec => ({
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
  run('eval', '2.6.0', 'may_replicate', 'Executes a server-side Lua script.', evalWith(false)),
  run('evalsha', '2.6.0', 'may_replicate', 'Executes a server-side Lua script by SHA1 digest.', evalShaWith(false)),
  run('eval_ro', '7.0.0', 'readonly', 'Executes a read-only server-side Lua script.', evalWith(true)),
  run(
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
      sub('load', 3, '2.6.0', 'stale', 'Loads a server-side Lua script to the script cache.', scriptLoad),
      sub(
        'exists',
        -3,
        '2.6.0',
        '',
        'Determines whether server-side Lua scripts exist in the script cache.',
        scriptExists,
      ),
      sub('flush', -2, '2.6.0', '', 'Removes all server-side Lua scripts from the script cache.', scriptFlush),
      sub('kill', 2, '2.6.0', 'allow_busy', 'Terminates a server-side Lua script during execution.', scriptKill),
      sub('debug', 3, '3.2.0', '', 'Sets the debug mode of server-side Lua scripts.', scriptDebug),
    ],
  },
];
