import type { Client } from '../clients/server.ts';
import { matches } from '../protocol/glob.ts';
import { BUSY, cut, wrongSubcommand } from '../protocol/errors.ts';
import { after } from '../scripting/later.ts';
import { libraryHead } from '../scripting/functions.ts';
import type { Functions, Library } from '../scripting/functions.ts';
import type { JoinPolicy } from '../scripting/function-host.ts';
import { SCRIPT_FLAGS, codeRefusal } from '../scripting/script.ts';
import { scriptingOf } from '../scripting/scripts.ts';
import { flagRefusal, keyCount, killWith, runRow, scriptingSub } from './scripting.ts';
import { parseInteger } from '../protocol/numbers.ts';
import type { CommandSpec, Run } from './command.ts';

/** Runs with the node's functions once its libraries are loaded, which may take until later. */
const withFunctions =
  (run: (client: Client, args: readonly string[], functions: Functions) => void): Run =>
  (client, args) => {
    const { functions, jobs } = scriptingOf(client.server);
    jobs.perform(client, () => functions.whenReady(client, args, (ready) => run(client, args, ready)));
  };

const callWith =
  (readOnly: boolean): Run =>
  (client, args) => {
    const { functions, jobs } = scriptingOf(client.server);
    jobs.perform(client, () =>
      functions.whenReady(client, args, (ready) => {
        const { reply } = client;
        const fn = ready.byName.get(args[1]!.toLowerCase());
        if (fn === undefined) return reply.error('ERR Function not found');
        const given = parseInteger(args[2]!);
        if (given === undefined) return reply.error('ERR Bad number of keys provided');
        const count = keyCount(client, given, args);
        if (count === undefined) return undefined;
        const refusal = flagRefusal(client, fn.flags, readOnly);
        if (refusal !== undefined) return reply.error(refusal);
        return functions.call(client, fn, args, args.slice(3, 3 + count), args.slice(3 + count), readOnly);
      }),
    );
  };

/** What changes the libraries is an effect as it stands. */
function changed(client: Client, args: readonly string[]): void {
  client.node.dirty++;
  client.node.propagate(client.db.index, args);
}

/** Loads the code of libraries and makes them the node's; replies with an error line when that fails. */
function install(
  client: Client,
  args: readonly string[],
  codes: readonly string[],
  policy: JoinPolicy,
  done: () => void,
): void {
  const { functions, jobs } = scriptingOf(client.server);
  const { standalone } = client.server.host;
  const refusal = codes.map((code) => codeRefusal(code, standalone)).find((line) => line !== undefined);
  if (refusal !== undefined) return client.reply.error(refusal);
  const loaded: Library[] = [];
  return jobs.perform(client, () =>
    functions.whenReady(client, args, () =>
      after(functions.loadAll(client, args, codes, loaded), (problem) => {
        const wrong = problem ?? functions.adopt(loaded, policy);
        if (wrong !== undefined) return client.reply.error(wrong);
        changed(client, args);
        return done();
      }),
    ),
  );
}

const load: Run = (client, args) => {
  const { node, reply } = client;
  const option = args.slice(2, -1).find((word) => word.toLowerCase() !== 'replace');
  if (option !== undefined) return reply.error(`ERR Unknown option given: ${cut(option, Infinity)}`);
  const code = args.at(-1)!;
  const head = libraryHead(code);
  if (typeof head === 'string') return reply.error(head);
  const { name } = head;
  const replace = args.length > 3;
  if (!replace && node.libraries?.has(name) === true) return reply.error(`ERR Library '${name}' already exists`);
  if (!node.replaying) return install(client, args, [code], replace ? 'replace' : 'append', () => reply.bulk(name));
  (node.libraries ??= new Map()).set(name, code);
  return reply.bulk(name);
};

const remove: Run = (client, args) => {
  const { node, reply, server } = client;
  if (node.libraries?.has(args[2]!) !== true) {
    reply.error('ERR Library not found');
    return;
  }
  const { functions, jobs } = scriptingOf(server);
  const forget = (): void => {
    functions.delete(args[2]!);
    changed(client, args);
    reply.ok();
  };
  if (!node.replaying) {
    jobs.perform(client, () => functions.whenReady(client, args, forget));
    return;
  }
  node.libraries.delete(args[2]!);
  if (node.libraries.size === 0) node.libraries = undefined;
  reply.ok();
};

const flush: Run = (client, args) => {
  const { reply } = client;
  const mode = args[2]?.toLowerCase();
  if (args.length > 3) {
    reply.error(wrongSubcommand('FUNCTION', args[1]!));
    return;
  }
  if (mode !== undefined && mode !== 'sync' && mode !== 'async') {
    reply.error('ERR FUNCTION FLUSH only supports SYNC|ASYNC option');
    return;
  }
  scriptingOf(client.server).functions.flush();
  client.node.libraries = undefined;
  changed(client, args);
  reply.ok();
};

const dump: Run = ({ server, node, reply }) => {
  const { codec } = server.host;
  if (codec === undefined) reply.error('ERR FUNCTION DUMP is not available here: the engine was made without a codec.');
  else reply.bulk(codec.serializeLibraries([...(node.libraries?.values() ?? [])]));
};

const POLICIES: readonly string[] = ['append', 'replace', 'flush'] satisfies JoinPolicy[];

const isPolicy = (word: string): word is JoinPolicy => POLICIES.includes(word);

const restore: Run = (client, args) => {
  const { node, reply, server } = client;
  const policy = args[3]?.toLowerCase() ?? 'append';
  if (args.length > 4) return reply.error(wrongSubcommand('FUNCTION', args[1]!));
  if (!isPolicy(policy))
    return reply.error('ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.');
  const codes = server.host.codec?.deserializeLibraries(args[2]!) ?? 'DUMP payload version or checksum are wrong';
  if (typeof codes === 'string') return reply.error(`ERR ${codes}`);
  if (!node.replaying) return install(client, args, codes, policy, () => reply.ok());
  if (policy === 'flush') node.libraries = undefined;
  for (const code of codes) {
    const head = libraryHead(code);
    if (typeof head !== 'string') (node.libraries ??= new Map()).set(head.name, code);
  }
  return reply.ok();
};

const list: Run = (client, args) => {
  const { reply } = client;
  let pattern: string | undefined;
  let withCode = false;
  for (let i = 2; i < args.length; i++) {
    const word = args[i]!.toLowerCase();
    if (!withCode && word === 'withcode') withCode = true;
    else if (pattern === undefined && word === 'libraryname') {
      pattern = args[++i];
      if (pattern === undefined) return reply.error('ERR library name argument was not given');
    } else return reply.error(`ERR Unknown argument ${cut(args[i]!, Infinity)}`);
  }
  const show = ({ libraries }: Functions): void => {
    const shown = [...libraries.values()].filter(
      ({ name }) => pattern === undefined || matches(pattern.toLowerCase(), name.toLowerCase()),
    );
    reply.array(shown.length);
    for (const library of shown) writeLibrary(client, library, withCode);
  };
  return withFunctions((_, __, functions) => show(functions))(client, args);
};

function writeLibrary({ reply }: Client, { name, code, functions }: Library, withCode: boolean): void {
  reply.map(withCode ? 4 : 3);
  reply.bulk('library_name');
  reply.bulk(name);
  reply.bulk('engine');
  reply.bulk('LUA');
  reply.bulk('functions');
  reply.array(functions.size);
  for (const { name: fn, description, flags } of functions.values()) {
    reply.map(3);
    reply.bulk('name');
    reply.bulk(fn);
    reply.bulk('description');
    reply.bulkOrNull(description);
    reply.bulk('flags');
    reply.set(flags.size);
    for (const flag of SCRIPT_FLAGS) if (flags.has(flag)) reply.simple(flag);
  }
  if (!withCode) return;
  reply.bulk('library_code');
  reply.bulk(code);
}

/** Runs while a function is at work, so it loads nothing: what is not loaded yet is counted as it was last. */
const stats: Run = ({ server, reply }) => {
  const { jobs, sizes } = scriptingOf(server);
  const { running } = jobs;
  if (running?.kind === 'eval') return reply.error(BUSY);
  reply.map(2);
  reply.bulk('running_script');
  if (running === undefined) reply.null();
  else {
    reply.map(3);
    reply.bulk('name');
    reply.bulk(running.name);
    reply.bulk('command');
    reply.array(running.request.length);
    for (const word of running.request) reply.bulk(word);
    reply.bulk('duration_ms');
    reply.integer(Date.now() - running.startedAtMs);
  }
  reply.bulk('engines');
  reply.map(1);
  reply.bulk('LUA');
  reply.map(2);
  reply.bulk('libraries_count');
  reply.integer(sizes.libraries);
  reply.bulk('functions_count');
  return reply.integer(sizes.functions);
};

const sub = (name: string, arity: number, flags: string, summary: string, run: Run): CommandSpec =>
  scriptingSub(name, arity, '7.0.0', flags, summary, run);

export const functionCommands: readonly CommandSpec[] = [
  runRow('fcall', '7.0.0', 'may_replicate', 'Invokes a function.', callWith(false)),
  runRow('fcall_ro', '7.0.0', 'readonly', 'Invokes a read-only function.', callWith(true)),
  {
    name: 'function',
    arity: -2,
    flags: '',
    group: 'scripting',
    since: '7.0.0',
    summary: 'A container for function commands.',
    subcommands: [
      sub('load', -3, 'write denyoom', 'Creates a library.', load),
      sub('delete', 3, 'write', 'Deletes a library and its functions.', remove),
      sub('flush', -2, 'write', 'Deletes all libraries and functions.', flush),
      sub('list', -2, '', 'Returns information about all libraries.', list),
      sub('stats', 2, 'allow_busy', 'Returns information about a function during execution.', stats),
      sub('dump', 2, '', 'Dumps all libraries into a serialized binary payload.', dump),
      sub('restore', -3, 'write denyoom', 'Restores all libraries from a payload.', restore),
      sub('kill', 2, 'allow_busy', 'Terminates a function during execution.', killWith('function', BUSY)),
    ],
  },
];
