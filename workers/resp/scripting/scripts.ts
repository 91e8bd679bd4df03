import { stringBytes } from '../keyspace/sizes.ts';
import { serveReady } from '../clients/blocking.ts';
import { Client } from '../clients/server.ts';
import type { NodeScripts, Server } from '../clients/server.ts';
import { call, resolve } from '../commands/execute.ts';
import { numberSetting } from '../config/settings.ts';
import { OOM } from '../protocol/errors.ts';
import { parseScript, refusalOf } from './script.ts';
import type { Script } from './script.ts';
import { createState } from './state.ts';
import type { ScriptState } from './state.ts';
import { writeResult } from './values.ts';

/** What a script's state may hold. */
const STATE_BYTES_MAX = 64 * 1_048_576;
/** A state that is left with more than this is dropped after the script. */
const STATE_BYTES_KEPT = 4 * 1_048_576;
/** How long a script runs before others have their turn. */
const SLICE_MS = 1;
/** Instructions between two looks at the clock, and the same once they have proved to be slow ones. */
const HOOK_INSTRUCTIONS = 5_000;
const HOOK_INSTRUCTIONS_SLOW = 20;
/** How long a state waits for the next script before it is dropped. */
const IDLE_MS = 30_000;
/** How often it is looked whether a script has run for so long that others are told. */
const BUSY_POLL_MS = 50;
/** What a script may exceed the node's memory by before its writes are refused half way. */
const OVERRUN_BYTES = 16 * 1_048_576;

interface Running {
  readonly client: Client;
  readonly sha: string;
  readonly startedAtMs: number;
  readonly readOnly: boolean;
  readonly allowOom: boolean;
  /** The node was over its memory limit when the script started. */
  readonly full: boolean;
  wrote: boolean;
  killed: boolean;
}

/** Thrown through Lua, which can't catch it; what it leaves behind is dropped. */
class Killed extends Error {}

/** A node's scripts: the cache of SCRIPT LOAD and EVAL, the state they run in, and the one that is running. */
class Scripting implements NodeScripts {
  readonly cache = new Map<string, Script>();
  running: Running | undefined;
  /** The same scripts by their text, which spares EVAL a digest. */
  private readonly bySource = new Map<string, Script>();
  private readonly server: Server;
  private readonly inner: Client;
  private state: ScriptState | undefined;
  private idle: NodeJS.Timeout | undefined;
  private sliceEndsMs = 0;
  private readonly waiting = new Set<() => void>();
  /** Looks whether those who wait are to be told BUSY. */
  private poll: NodeJS.Timeout | undefined;

  constructor(server: Server) {
    this.server = server;
    this.inner = new Client(server, undefined, '127.0.0.1:0', '127.0.0.1:0');
    this.inner.executing = true;
  }

  /** Others are told BUSY instead of being kept waiting. */
  get busy(): boolean {
    const { running } = this;
    if (running === undefined) return false;
    const threshold = numberSetting(this.server, 'busy-reply-threshold');
    return threshold > 0 && Date.now() - running.startedAtMs >= threshold;
  }

  /** Compiles a script and keeps it. Returns the error line when it does not compile. */
  load(source: string): Script | string {
    const before = this.bySource.get(source);
    if (before !== undefined) return before;
    const script = parseScript(source);
    if (typeof script === 'string') return script;
    const known = this.cache.get(script.sha);
    if (known !== undefined) return known;
    const problem = this.ready().compile(script.sha, script.source);
    if (problem !== undefined) return `ERR Error compiling script (new function): ${problem}`;
    this.cache.set(script.sha, script);
    this.bySource.set(source, script);
    return script;
  }

  get usedBytes(): number {
    let bytes = this.state?.lua.usedBytes ?? 0;
    for (const { source } of this.cache.values()) bytes += stringBytes(source);
    return bytes;
  }

  /** Forgets all scripts, and whatever the state holds. */
  flush(): void {
    this.cache.clear();
    this.bySource.clear();
    if (this.running === undefined) this.drop();
  }

  /** Runs a script for a client. When it takes longer than a slice, the client's reply is pending. */
  run(client: Client, script: Script, keys: readonly string[], args: readonly string[], readOnly: boolean): void {
    const { node } = this.server;
    const state = this.ready();
    const problem = state.compile(script.sha, script.source);
    if (problem !== undefined) {
      client.reply.error(`ERR Error compiling script (new function): ${problem}`);
      return;
    }
    const full = this.server.host.full || (node.maxMemory !== 0 && node.usedBytes > node.maxMemory);
    const refusal = refusalOf(script, readOnly, full);
    if (refusal !== undefined) {
      client.reply.error(refusal);
      return;
    }
    const { inner } = this;
    inner.db = client.db;
    inner.authenticated = true;
    inner.privileged = client.privileged;
    inner.user = client.user;
    inner.reply.resp3 = false;
    const running = {
      client,
      sha: script.sha,
      startedAtMs: Date.now(),
      readOnly: readOnly || script.flags?.has('no-writes') === true,
      allowOom: script.flags?.has('allow-oom') === true,
      full,
      wrote: false,
      killed: false,
    };
    this.running = running;
    this.sliceEndsMs = performance.now() + SLICE_MS;
    state.lua.hookEvery(state.lua.L, HOOK_INSTRUCTIONS);
    let status: number | Promise<number>;
    try {
      status = state.start(script.sha, keys, args);
    } catch (error) {
      this.failed(running, error);
      return;
    }
    if (typeof status === 'number') {
      this.ended(running, status);
      return;
    }
    client.pending = status.then(
      (outcome) => this.endedLate(running, () => this.ended(running, outcome)),
      (error: unknown) => this.endedLate(running, () => this.failed(running, error)),
    );
    node.rewritten = true;
    node.busy = true;
  }

  /** Ends the running script before its next instructions, unless it has written. */
  kill(): 'killed' | 'wrote' | 'none' {
    const { running } = this;
    if (running === undefined) return 'none';
    if (running.wrote) return 'wrote';
    running.killed = true;
    return 'killed';
  }

  /** The node is gone: nothing of it may go on. */
  close(): void {
    if (this.running !== undefined) this.running.killed = true;
    clearTimeout(this.idle);
    clearInterval(this.poll);
  }

  /** Calls back once no script runs, or those who wait are to be told BUSY. */
  whenFree(callback: () => void): void {
    this.waiting.add(callback);
    this.poll ??= setInterval(() => this.wake(), BUSY_POLL_MS).unref();
  }

  private wake(): void {
    if (this.running !== undefined && !this.busy) return;
    clearInterval(this.poll);
    this.poll = undefined;
    const all = [...this.waiting];
    this.waiting.clear();
    for (const one of all) one();
  }

  private ready(): ScriptState {
    if (this.idle === undefined) this.idle = setTimeout(() => this.dropIfIdle(), IDLE_MS).unref();
    else this.idle.refresh();
    if (this.state !== undefined) return this.state;
    const state = createState(
      {
        call: (args) => this.callCommand(args),
        setResp3: (resp3) => {
          this.inner.reply.resp3 = resp3;
        },
        mayCall: (args) => (typeof resolve(args) === 'string' ? undefined : true),
      },
      STATE_BYTES_MAX,
    );
    state.lua.onHook = (L) => this.slice(state, L);
    this.state = state;
    return state;
  }

  private dropIfIdle(): void {
    this.idle = undefined;
    if (this.running === undefined) this.drop();
  }

  private drop(): void {
    this.state = undefined;
  }

  /** Called every few thousand instructions: lets the process do other things when the slice is over. */
  private slice({ lua }: ScriptState, L: number): Promise<void> | undefined {
    if (this.running?.killed === true) throw new Killed();
    const now = performance.now();
    if (now < this.sliceEndsMs) return undefined;
    // Single instructions can be slow, as those that make long strings are.
    if (now > this.sliceEndsMs + 4 * SLICE_MS) lua.hookEvery(L, HOOK_INSTRUCTIONS_SLOW);
    return new Promise((resolveSlice, reject) => {
      setImmediate(() => {
        if (this.running?.killed === true) {
          reject(new Killed());
          return;
        }
        this.sliceEndsMs = performance.now() + SLICE_MS;
        resolveSlice();
      });
    });
  }

  /** A command that the script calls. */
  private callCommand(args: readonly string[]): string {
    const { inner, running } = this;
    const command = resolve(args);
    const refuse = (line: string): string => `-${line}\r\n`;
    if (running === undefined) return refuse('ERR redis.call/pcall can only be called inside a script invocation');
    if (typeof command === 'string') {
      return refuse(
        command.startsWith('ERR wrong number')
          ? 'ERR Wrong number of args calling Redis command from script'
          : 'ERR Unknown Redis command called from script',
      );
    }
    if (command.noScript) return refuse('ERR This Redis command is not allowed from script');
    const { node } = this.server;
    if (command.write) {
      if (running.readOnly) return refuse('ERR Write commands are not allowed from read-only scripts.');
      if (node.writesRefused !== undefined) return refuse(node.writesRefused);
      if (node.journal?.failure !== undefined)
        return refuse(`MISCONF Errors writing to the AOF file: ${node.journal.failure}`);
      if (command.denyOom && !running.allowOom) {
        const over = node.maxMemory !== 0 && node.usedBytes > node.maxMemory * 1.25 + OVERRUN_BYTES;
        if (over || (running.full && !running.wrote)) return refuse(OOM);
      }
      running.wrote = true;
    }
    call(inner, command, args);
    return inner.reply.take().join('');
  }

  /** Replies to the client that ran the script. */
  private ended(running: Running, status: number): void {
    const { lua } = this.state!;
    const { reply } = running.client;
    if (status === 0) writeResult(lua, lua.L, reply, this.inner.reply.resp3);
    else reply.error(this.errorOf(running));
    lua.api.lua_settop(lua.L, 0);
    this.finish();
  }

  private errorOf(running: Running): string {
    const { lua } = this.state!;
    const { api, L } = lua;
    const field = (name: string): string | undefined => {
      lua.push(L, name);
      api.lua_rawget(L, -2);
      const text = lua.text(L, -1);
      api.lua_settop(L, -2);
      return text;
    };
    if (api.lua_type(L, -1) !== 5) {
      const message = lua.text(L, -1) ?? 'execution failure';
      return `ERR Error running script ${running.sha}, ${message.slice(0, 100)}`;
    }
    const message = (field('err') ?? 'ERR unknown error').replace(/^-/, '');
    const source = field('source');
    const line = field('line');
    return source === undefined || line === undefined
      ? message
      : `${message} script: ${running.sha}, on ${source}:${line}.`;
  }

  /** The script was killed, or has broken its state, which nobody may use again. */
  private failed(running: Running, error: unknown): void {
    this.drop();
    this.inner.reply.take();
    running.client.reply.error(
      error instanceof Killed
        ? `ERR Error running script ${running.sha}, Script killed by user with SCRIPT KILL.`
        : `ERR Error running script ${running.sha}, ${error instanceof Error ? error.message.slice(0, 100) : 'failure'}`,
    );
    this.finish();
  }

  private finish(): void {
    this.running = undefined;
    // What the script's commands propagated is all its effect.
    this.server.node.rewritten = true;
    if (this.state !== undefined && this.state.lua.usedBytes > STATE_BYTES_KEPT) this.drop();
  }

  private endedLate(running: Running, end: () => void): void {
    const { client } = running;
    const { node } = this.server;
    end();
    setImmediate(() => this.wake());
    // What a closed node did last was not finished.
    if (node.closed) node.effects = [];
    // A transaction goes on by itself.
    if (client.executing) return;
    node.busy = false;
    node.flushEffects();
    serveReady(this.server);
  }
}

/** The scripts of a node, made when first asked for. */
export function scriptingOf(server: Server): NodeScripts {
  return (server.scripting ??= new Scripting(server));
}
