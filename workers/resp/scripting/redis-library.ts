import { createHash } from 'node:crypto';
import type { Piece } from '../protocol/chunk.ts';
import { formatDouble } from '../protocol/numbers.ts';
import { REDIS_VERSION } from '../version.ts';
import { TYPE } from './lua-exports.ts';
import type { Lua, LuaFunction } from './lua.ts';
import { parts } from './pieces.ts';
import { readRegistration } from './registration.ts';
import type { Registration } from './registration.ts';
import { digestOf } from './script.ts';
import { pushField, pushLongReply, pushReply } from './values.ts';

/** What scripts can ask of the server that runs them. */
export interface ScriptHost {
  /**
   * Carries out a command and returns its reply as it would go to a client; a refusal is an error reply. What takes long is
   * given in steps, with the reply in pieces; undefined means that the script must begin anew, so that it can be suspended.
   */
  call(args: readonly string[]): string | Generator<void, readonly Piece[]> | undefined;
  /** In which version of the protocol replies are turned into values of Lua. */
  setResp3(resp3: boolean): void;
  /** Whether the script's caller may call this. Undefined when there is no such command. */
  mayCall(args: readonly string[]): boolean | undefined;
  /** Adds a function to the library that is being loaded; returns why not. */
  register(registration: Registration): string | undefined;
  /** Whether a library is being loaded. */
  readonly loading: boolean;
}

const MAX_LOG_LEVEL = 3;
/** The digest of a longer text is made in steps. */
const LONG_TEXT = 65_536;
const REPL_ALL = 3;

/** A number as Redis passes it on: whole numbers without a point. */
function numberText(value: number): string {
  if (Number.isSafeInteger(value)) return String(value);
  return Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? BigInt(value).toString() : formatDouble(value);
}

/** The arguments on the stack as words, or undefined when one is neither string nor number. */
function words(lua: Lua, L: number): string[] | undefined {
  const { api } = lua;
  const args: string[] = [];
  const count = api.lua_gettop(L);
  for (let at = 1; at <= count; at++) {
    const type = api.lua_type(L, at);
    if (type === TYPE.string) args.push(lua.text(L, at)!);
    else if (type === TYPE.number) args.push(numberText(api.lua_tonumber(L, at)));
    else return undefined;
  }
  return args;
}

/** Pushes an error as commands give them: a table whose field `err` is the line. */
function pushError(lua: Lua, L: number, line: string): void {
  pushField(lua, L, 'err', () => lua.push(L, line));
}

/** The line of an error that a script makes: without '-' in front it gets the code ERR. */
function errorLine(text: string): string {
  const line = text.replace(/\0[^]*$/, '').replace(/^[\r\n]+|[\r\n]+$/g, '');
  if (!line.startsWith('-')) return `ERR ${line}`;
  return line.includes(' ') ? line.slice(1) : `ERR ${line.slice(1)}`;
}

/** The functions of `redis.`, and those of them that a library may use while it is loaded. */
export function redisLibrary(
  lua: Lua,
  host: ScriptHost,
  debugStubs: boolean,
): {
  readonly functions: Readonly<Record<string, LuaFunction>>;
  readonly whileLoading: Readonly<Record<string, LuaFunction>>;
} {
  const { api } = lua;
  const fail = (L: number, message: string): number => {
    pushError(lua, L, `ERR ${message}`);
    return -1;
  };
  const log: LuaFunction = (L) => {
    if (api.lua_gettop(L) < 2) return fail(L, 'redis.log() requires two arguments or more.');
    if (api.lua_isnumber(L, 1) === 0) return fail(L, 'First argument must be a number (log level).');
    const level = Math.trunc(api.lua_tonumber(L, 1));
    // What tenants' scripts say is no line of the host's log.
    return level >= 0 && level <= MAX_LOG_LEVEL ? 0 : fail(L, 'Invalid debug level.');
  };
  const stubs: Readonly<Record<string, LuaFunction>> = {
    replicate_commands: (L) => {
      api.lua_pushboolean(L, 1);
      return 1;
    },
    breakpoint: (L) => {
      api.lua_pushboolean(L, 0);
      return 1;
    },
    debug: () => 0,
  };
  return {
    functions: { ...calls(lua, host, fail), ...replies(lua, fail), ...(debugStubs ? stubs : {}), log },
    whileLoading: {
      log,
      register_function: (L) => {
        if (!host.loading) return fail(L, 'redis.register_function can only be called on FUNCTION LOAD command');
        const registration = readRegistration(lua, L);
        const problem = typeof registration === 'string' ? registration : host.register(registration);
        return problem === undefined ? 0 : fail(L, problem);
      },
    },
  };
}

/** What reaches the server. */
function calls(
  lua: Lua,
  host: ScriptHost,
  fail: (L: number, message: string) => number,
): Readonly<Record<string, LuaFunction>> {
  const { api } = lua;
  const calling =
    (raise: boolean): LuaFunction =>
    (L) => {
      const refuse = (message: string): number => (fail(L, message), raise ? -1 : 1);
      if (api.lua_gettop(L) === 0) return refuse('Please specify at least one argument for this redis lib call');
      const args = words(lua, L);
      if (args === undefined) return refuse('Lua redis lib command arguments must be strings or integers');
      const reply = host.call(args);
      if (reply === undefined) return (fail(L, 'The script begins anew'), -1);
      if (typeof reply !== 'string') return pushSteps(lua, L, reply, raise);
      pushReply(lua, L, reply);
      return raise && reply.startsWith('-') ? -1 : 1;
    };
  return {
    call: calling(true),
    pcall: calling(false),
    setresp: (L) => {
      if (api.lua_gettop(L) !== 1) return fail(L, 'redis.setresp() requires one argument.');
      const version = Math.trunc(api.lua_tonumber(L, 1));
      if (version !== 2 && version !== 3) return fail(L, 'RESP version must be 2 or 3.');
      host.setResp3(version === 3);
      return 0;
    },
    set_repl: (L) => {
      if (api.lua_gettop(L) !== 1) return fail(L, 'redis.set_repl() requires one argument.');
      const flags = Math.trunc(api.lua_tonumber(L, 1));
      // Effects are always written down: a node's data never differs from its log.
      return flags >= 0 && flags <= REPL_ALL
        ? 0
        : fail(L, 'Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.');
    },
    acl_check_cmd: (L) => {
      if (api.lua_gettop(L) === 0) return fail(L, 'Please specify at least one argument for this redis lib call');
      const args = words(lua, L);
      if (args === undefined) return fail(L, 'Lua redis lib command arguments must be strings or integers');
      const allowed = host.mayCall(args);
      if (allowed === undefined) return fail(L, 'Invalid command passed to redis.acl_check_cmd()');
      api.lua_pushboolean(L, allowed ? 1 : 0);
      return 1;
    },
  };
}

/** Carries out a command that takes long, and pushes its reply. */
function* pushSteps(
  lua: Lua,
  L: number,
  steps: Generator<void, readonly Piece[]>,
  raise: boolean,
): Generator<void, number> {
  const reply = yield* steps;
  yield* pushLongReply(lua, L, reply);
  // An error is short, and so never in a chunk.
  const [first] = reply;
  return raise && typeof first === 'string' && first.startsWith('-') ? -1 : 1;
}

/** What makes values for replies. */
function replies(lua: Lua, fail: (L: number, message: string) => number): Readonly<Record<string, LuaFunction>> {
  const { api } = lua;
  const fromText =
    (push: (L: number, text: string) => void): LuaFunction =>
    (L) => {
      if (api.lua_gettop(L) === 1 && api.lua_type(L, 1) === TYPE.string) push(L, lua.text(L, 1)!);
      else fail(L, 'wrong number or type of arguments');
      return 1;
    };
  return {
    error_reply: fromText((L, text) => pushError(lua, L, errorLine(text.startsWith('-') ? text : `-${text}`))),
    status_reply: fromText((L, text) => pushField(lua, L, 'ok', () => lua.push(L, text))),
    sha1hex: (L) => {
      if (api.lua_gettop(L) !== 1) return fail(L, 'wrong number of arguments');
      const text = lua.text(L, 1) ?? '';
      if (text.length > LONG_TEXT) return pushDigest(lua, L, text);
      lua.push(L, digestOf(text));
      return 1;
    },
  };
}

/** Pushes the SHA-1 of a long text. */
function* pushDigest(lua: Lua, L: number, text: string): Generator<void, number> {
  const running = createHash('sha1');
  for (const part of parts(text)) {
    running.update(part, 'latin1');
    yield;
  }
  lua.push(L, running.digest('hex'));
  return 1;
}

/** What `redis.` has beside functions. */
export const REDIS_CONSTANTS: Readonly<Record<string, number | string>> = {
  LOG_DEBUG: 0,
  LOG_VERBOSE: 1,
  LOG_NOTICE: 2,
  LOG_WARNING: 3,
  REPL_NONE: 0,
  REPL_AOF: 1,
  REPL_SLAVE: 2,
  REPL_REPLICA: 2,
  REPL_ALL,
  REDIS_VERSION,
  REDIS_VERSION_NUM: REDIS_VERSION.split('.').reduce((all, part) => all * 256 + Number(part), 0),
};

/** Those of them that a library sees while it is loaded. */
export const LIBRARY_CONSTANTS = Object.fromEntries(
  Object.entries(REDIS_CONSTANTS).filter(([name]) => !name.startsWith('REPL')),
);
