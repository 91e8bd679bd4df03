import { createHash } from 'node:crypto';
import { formatDouble } from '../protocol/numbers.ts';
import { REDIS_VERSION } from '../version.ts';
import { LUA_REGISTRY, TYPE } from './lua.ts';
import type { Lua, LuaFunction } from './lua.ts';
import { pushField, pushReply } from './values.ts';

/** What scripts can ask of the server that runs them. */
export interface ScriptHost {
  /** Carries out a command and returns its reply as it would go to a client; a refusal is an error reply. */
  call(args: readonly string[]): string;
  /** In which version of the protocol replies are turned into values of Lua. */
  setResp3(resp3: boolean): void;
  /** Whether the script could call this. Undefined when there is no such command. */
  mayCall(args: readonly string[]): boolean | undefined;
}

const MAX_LOG_LEVEL = 3;

/** A number as Redis passes it on: whole numbers without a point. */
function numberText(value: number): string {
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

/** The functions of `redis.`; constants are added by `pushConstants`. */
export function redisLibrary(lua: Lua, host: ScriptHost): Readonly<Record<string, LuaFunction>> {
  const { api } = lua;
  const pushError = (L: number, line: string): void => pushField(lua, L, 'err', () => lua.push(L, line));
  const fail = (L: number, message: string): number => {
    pushError(L, `ERR ${message}`);
    return -1;
  };
  const calling =
    (raise: boolean): LuaFunction =>
    (L) => {
      const refuse = (message: string): number => {
        pushError(L, `ERR ${message}`);
        return raise ? -1 : 1;
      };
      if (api.lua_gettop(L) === 0) return refuse('Please specify at least one argument for this redis lib call');
      const args = words(lua, L);
      if (args === undefined) return refuse('Lua redis lib command arguments must be strings or integers');
      const text = host.call(args);
      pushReply(lua, L, text);
      return raise && text.startsWith('-') ? -1 : 1;
    };
  return {
    call: calling(true),
    pcall: calling(false),
    sha1hex: (L) => {
      if (api.lua_gettop(L) !== 1) return fail(L, 'wrong number of arguments');
      lua.push(
        L,
        createHash('sha1')
          .update(lua.text(L, 1) ?? '', 'latin1')
          .digest('hex'),
      );
      return 1;
    },
    error_reply: (L) => {
      if (api.lua_gettop(L) !== 1 || api.lua_type(L, 1) !== TYPE.string) {
        pushError(L, 'ERR wrong number or type of arguments');
        return 1;
      }
      const line = lua
        .text(L, 1)!
        .replace(/^-/, '')
        .replace(/[\r\n]+$/, '');
      pushError(L, line.includes(' ') ? line : `ERR ${line}`);
      return 1;
    },
    status_reply: (L) => {
      if (api.lua_gettop(L) !== 1 || api.lua_type(L, 1) !== TYPE.string)
        pushError(L, 'ERR wrong number or type of arguments');
      else pushField(lua, L, 'ok', () => lua.push(L, lua.text(L, 1)!));
      return 1;
    },
    log: (L) => {
      if (api.lua_gettop(L) < 2) return fail(L, 'redis.log() requires two arguments or more.');
      if (api.lua_type(L, 1) !== TYPE.number) return fail(L, 'First argument must be a number (log level).');
      const level = api.lua_tonumber(L, 1);
      // What tenants' scripts say is no line of the host's log.
      return level >= 0 && level <= MAX_LOG_LEVEL ? 0 : fail(L, 'Invalid log level.');
    },
    setresp: (L) => {
      if (api.lua_gettop(L) !== 1) return fail(L, 'redis.setresp() requires one argument.');
      const version = api.lua_tonumber(L, 1);
      if (version !== 2 && version !== 3) return fail(L, 'RESP version must be 2 or 3.');
      host.setResp3(version === 3);
      return 0;
    },
    set_repl: (L) => {
      if (api.lua_gettop(L) !== 1) return fail(L, 'redis.set_repl() requires two arguments.');
      const flags = api.lua_tonumber(L, 1);
      // Effects are always written down: a node's data never differs from its log.
      return flags >= 0 && flags <= 3
        ? 0
        : fail(L, 'Invalid replication flags. Please use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.');
    },
    replicate_commands: (L) => {
      api.lua_pushboolean(L, 1);
      return 1;
    },
    breakpoint: (L) => {
      api.lua_pushboolean(L, 0);
      return 1;
    },
    debug: () => 0,
    acl_check_cmd: (L) => {
      if (api.lua_gettop(L) === 0)
        return fail(L, 'Please specify at least one argument for this redis.acl_check_cmd() call');
      const args = words(lua, L);
      if (args === undefined) return fail(L, 'redis.acl_check_cmd() require strings or integers arguments');
      const allowed = host.mayCall(args);
      if (allowed === undefined) return fail(L, 'Invalid command passed to redis.acl_check_cmd()');
      api.lua_pushboolean(L, allowed ? 1 : 0);
      return 1;
    },
  };
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
  REPL_ALL: 3,
  REDIS_VERSION,
  REDIS_VERSION_NUM: REDIS_VERSION.split('.').reduce((all, part) => all * 256 + Number(part), 0),
};

/** `math.random` as Redis has it: drand48, which starts from seed 0 in every state. */
export function randomLibrary(lua: Lua): Readonly<Record<string, LuaFunction>> {
  const { api } = lua;
  const MAX = 0x7fff_ffff;
  let state = 0x330en;
  const seed = (value: number): void => {
    state = (BigInt.asUintN(32, BigInt(Number.isFinite(value) ? Math.trunc(value) : 0)) << 16n) | 0x330en;
  };
  const next = (): number => {
    state = BigInt.asUintN(48, state * 0x5deece66dn + 0xbn);
    return Number(state >> 17n);
  };
  return {
    random: (L) => {
      const fraction = (next() % MAX) / MAX;
      const count = api.lua_gettop(L);
      if (count === 0) api.lua_pushnumber(L, fraction);
      else if (count <= 2) {
        const low = count === 1 ? 1 : Math.trunc(lua.numberArgument(L, 1));
        const high = Math.trunc(lua.numberArgument(L, count));
        if (low > high) lua.badArgument(L, count, 'interval is empty');
        api.lua_pushnumber(L, Math.floor(fraction * (high - low + 1)) + low);
      } else return lua.raise(L, 'wrong number of arguments');
      return 1;
    },
    randomseed: (L) => {
      seed(lua.numberArgument(L, 1));
      return 0;
    },
  };
}

/** Where a state keeps its environment, its names, and its error handler. */
export const REGISTRY = { environment: 1, names: 2, handler: 3 } as const;

/** Pushes something a state keeps for itself. */
export function pushKept(lua: Lua, which: number): void {
  lua.api.lua_rawgeti(lua.L, LUA_REGISTRY, which);
}
