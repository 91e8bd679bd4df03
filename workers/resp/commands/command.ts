import type { Client } from '../clients/server.ts';
import type { Walk } from './walk.ts';

/**
 * Carries a command out and writes its reply. `args[0]` is the command's name; the arity has been checked. What walks much
 * returns its walk, which writes the reply.
 */
export type Run = (client: Client, args: readonly string[]) => Walk | undefined | void;

/** Where the keys are: first, last (negative counts from the end) and step; or a function for those that need counting. */
export type KeySpec = readonly [first: number, last: number, step: number] | ((args: readonly string[]) => number[]);

/** One row of the command table, in Redis's terms. */
export interface CommandSpec {
  /** In lower case. */
  readonly name: string;
  /** Number of words, the name included; negative for a minimum. For a subcommand the container's name counts too. */
  readonly arity: number;
  /** Space-separated Redis flags: write readonly denyoom admin pubsub noscript blocking loading stale fast no_auth … */
  readonly flags: string;
  readonly keys?: KeySpec;
  readonly group: string;
  readonly since: string;
  readonly summary: string;
  /** ACL categories beyond those that follow from flags and group, space-separated and without '@'. */
  readonly acl?: string;
  readonly run?: Run;
  readonly subcommands?: readonly CommandSpec[];
}

/** A row made ready for execution. */
export interface Command {
  readonly spec: CommandSpec;
  /** `name`, or `container|name`. */
  readonly fullName: string;
  readonly arity: number;
  readonly write: boolean;
  readonly fast: boolean;
  readonly skipsSlowLog: boolean;
  /** Monitors see it before what it calls. */
  readonly shownFirst: boolean;
  readonly readOnly: boolean;
  readonly admin: boolean;
  readonly denyOom: boolean;
  readonly noAuth: boolean;
  /** Runs at once even after MULTI. */
  readonly unqueued: boolean;
  readonly noMulti: boolean;
  /** Allowed for a RESP2 connection that has subscribed. */
  readonly whileSubscribed: boolean;
  /** Allowed while the node's data is not there yet. */
  readonly whileLoading: boolean;
  /** May propagate, so it waits while writes are paused. */
  readonly mayReplicate: boolean;
  /** Scripts can't call it. */
  readonly noScript: boolean;
  /** Runs while a script of the node keeps everyone else waiting. */
  readonly whileBusy: boolean;
  readonly privileged: boolean;
  readonly run: Run;
  readonly subcommands: ReadonlyMap<string, Command> | undefined;
}

const UNQUEUED = new Set(['exec', 'discard', 'multi', 'watch', 'quit', 'reset']);
const WHILE_SUBSCRIBED = new Set(
  'subscribe unsubscribe psubscribe punsubscribe ssubscribe sunsubscribe ping quit reset'.split(' '),
);

/** They change what the journal keeps of a node, though Redis does not call them writes. */
const CHANGE_USERS = new Set(['acl|setuser', 'acl|deluser']);

/** Makes a row ready for execution. */
export function compile(spec: CommandSpec, container?: CommandSpec, privileged = false): Command {
  const flags = new Set(spec.flags.split(' '));
  const fullName = container === undefined ? spec.name : `${container.name}|${spec.name}`;
  const subcommands =
    spec.subcommands === undefined
      ? undefined
      : new Map(spec.subcommands.map((sub) => [sub.name, compile(sub, spec, privileged)]));
  return {
    spec,
    fullName,
    arity: spec.arity,
    write: flags.has('write') || CHANGE_USERS.has(fullName),
    admin: flags.has('admin'),
    fast: flags.has('fast'),
    skipsSlowLog: flags.has('skip_slowlog'),
    shownFirst: flags.has('skip_monitor'),
    readOnly: flags.has('readonly'),
    denyOom: flags.has('denyoom'),
    noAuth: flags.has('no_auth'),
    unqueued: UNQUEUED.has(fullName),
    noMulti: flags.has('no_multi'),
    whileSubscribed: WHILE_SUBSCRIBED.has(fullName),
    whileLoading: flags.has('loading') || flags.has('no_auth'),
    mayReplicate: flags.has('write') || flags.has('may_replicate'),
    noScript: flags.has('noscript'),
    whileBusy: flags.has('allow_busy'),
    privileged,
    run: spec.run ?? (() => undefined),
    subcommands,
  };
}

/** Positions of the keys among the arguments of a request. */
export function keyPositions(spec: CommandSpec, args: readonly string[]): number[] {
  const { keys } = spec;
  if (keys === undefined) return [];
  if (typeof keys === 'function') return keys(args);
  const [first, last, step] = keys;
  const end = last < 0 ? args.length + last : last;
  const positions: number[] = [];
  for (let at = first; at > 0 && at <= end && at < args.length; at += step) positions.push(at);
  return positions;
}

/** Key positions of commands like `ZINTER numkeys key [key …]`, where the count stands at `at`. */
export function countedKeys(at: number, more: readonly number[] = []): (args: readonly string[]) => number[] {
  return (args) => {
    // As atoi reads it, since this only says where keys would be.
    const count = Number.parseInt(args[at] ?? '', 10);
    if (!(count >= 1) || at + count >= args.length) return [];
    return [...more, ...Array.from({ length: count }, (_, i) => at + 1 + i)];
  };
}
