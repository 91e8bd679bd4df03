import type { Client, Server } from '../clients/server.ts';
import { everyName, parameterOf } from '../config/catalogue.ts';
import type { Parameter } from '../config/catalogue.ts';
import { effects, TENANTS_OWN } from '../config/effects.ts';
import { check } from '../config/kinds.ts';
import { rewriteConfig, valueOf } from '../config/rewrite.ts';
import { cut, SYNTAX } from '../protocol/errors.ts';
import { matches } from '../protocol/glob.ts';
import type { Run } from './command.ts';

/** Names with wildcards find all that is not hidden; others are looked up, and shown as they were asked for. */
export const configGet: Run = ({ server, reply }, args) => {
  const wanted = new Map<string, Parameter>();
  for (const pattern of args.slice(2)) {
    if (/[[*?]/.test(pattern)) {
      for (const [name, found] of everyName()) {
        if (!found.hidden && !wanted.has(name) && matches(pattern, name, true)) wanted.set(name, found);
      }
    } else {
      const found = parameterOf(pattern);
      if (found !== undefined) wanted.set(pattern, found);
    }
  }
  reply.map(wanted.size);
  for (const [name, found] of wanted) {
    reply.bulk(name);
    reply.bulk(valueOf(server, found));
  }
};

interface Change {
  readonly parameter: Parameter;
  readonly given: string;
  readonly value: string;
}

const failed = (name: string, problem: string): string =>
  `ERR CONFIG SET failed (possibly related to argument '${cut(name)}') - ${problem}`;

/** Why a parameter may not be set by this client. */
function refusal({ server: { host } }: Client, { name, immutable }: Parameter): string | undefined {
  if (immutable) return "can't set immutable config";
  const allowed = host.standalone || effects.get(name)?.tenant === true || TENANTS_OWN.has(name);
  return allowed ? undefined : "can't set protected config";
}

/** The parameters of a request; an error line when one can't be set at all. Whether values make sense is seen later. */
function requested(
  client: Client,
  args: readonly string[],
): { parameter: Parameter; given: string; text: string }[] | string {
  const found: { parameter: Parameter; given: string; text: string }[] = [];
  for (let i = 2; i < args.length; i += 2) {
    const given = args[i]!;
    const parameter = parameterOf(given);
    if (parameter === undefined) return `ERR Unknown option or number of arguments for CONFIG SET - '${cut(given)}'`;
    const refused = refusal(client, parameter);
    if (refused !== undefined) return failed(given, refused);
    if (found.some((other) => other.parameter === parameter)) return failed(given, 'duplicate parameter');
    found.push({ parameter, given, text: args[i + 1]! });
  }
  return found;
}

/** Sets one parameter; returns what is wrong, if anything. */
function setOne(server: Server, { parameter: { name }, value }: Change): string | undefined {
  const effect = effects.get(name);
  server.configured = true;
  if (effect?.set !== undefined) return effect.set(server, value);
  server.config.set(name, value);
  return undefined;
}

/** All settings of one request are made, or none. */
export const configSet: Run = (client: Client, args) => {
  const { server, reply } = client;
  if (args.length % 2 !== 0) {
    reply.error(SYNTAX);
    return;
  }
  const wanted = requested(client, args);
  if (typeof wanted === 'string') {
    reply.error(wanted);
    return;
  }
  const undo: Change[] = [];
  const rollback = (name: string, problem: string): void => {
    for (const change of undo.toReversed()) setOne(server, change);
    reply.error(failed(name, problem));
  };
  const applied: { name: string; apply: () => Promise<string | undefined> }[] = [];
  for (const { parameter, given, text } of wanted) {
    const checked = check(parameter, text);
    const old = valueOf(server, parameter);
    const problem = 'problem' in checked ? checked.problem : setOne(server, { parameter, given, value: checked.value });
    if (problem !== undefined) {
      rollback(given.toLowerCase(), problem);
      return;
    }
    undo.push({ parameter, given, value: old });
    const { apply } = effects.get(parameter.name) ?? {};
    const value = 'value' in checked ? checked.value : '';
    if (apply !== undefined) applied.push({ name: given.toLowerCase(), apply: () => apply(server, value) });
  }
  if (applied.length === 0) reply.ok();
  else client.pending = applyAll(applied, rollback, () => reply.ok());
};

async function applyAll(
  applied: readonly { name: string; apply: () => Promise<string | undefined> }[],
  rollback: (name: string, problem: string) => void,
  done: () => void,
): Promise<void> {
  for (const { name, apply } of applied) {
    const problem = await apply();
    if (problem === undefined) continue;
    rollback(name, problem);
    return;
  }
  done();
}

/** Forgets what was counted. */
export const configResetStat: Run = ({ node, server, reply }) => {
  node.keyspaceHits = 0;
  node.keyspaceMisses = 0;
  node.expiredKeys = 0;
  node.evictedKeys = 0;
  node.lazyFreed = 0;
  node.commandsProcessed = 0;
  node.connectionsReceived = 0;
  node.rejectedConnections = 0;
  node.netInputBytes = 0;
  node.netOutputBytes = 0;
  node.readsProcessed = 0;
  node.writesProcessed = 0;
  server.totalErrors = 0;
  server.evictedClients = 0;
  server.aclDenied = undefined;
  server.commandStats.clear();
  server.errorStats.clear();
  reply.ok();
};

/** Writes the configuration file anew. */
export const configRewrite: Run = (client) => {
  const { server, reply } = client;
  const { configFile } = server.host;
  if (configFile === undefined) {
    reply.error('ERR The server is running without a config file');
    return;
  }
  client.pending = rewriteConfig(server, configFile).then(
    () => reply.ok(),
    (error: unknown) => reply.error(`ERR Rewriting config file: ${error instanceof Error ? error.message : ''}`),
  );
};
