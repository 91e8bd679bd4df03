import type { Client, Server } from '../clients/server.ts';
import type { NodeScripts, ScriptSizes } from '../clients/node-scripts.ts';
import { BUSY, BUSY_FUNCTION, OOM } from '../protocol/errors.ts';
import { FunctionHost } from './function-host.ts';
import { Jobs } from './jobs.ts';
import { TOO_LONG } from './job.ts';
import type { Job } from './job.ts';
import { after } from './later.ts';
import type { Later } from './later.ts';
import { codeRefusal } from './script.ts';
import type { Script } from './script.ts';
import { ScriptCache } from './script-cache.ts';
import { scriptHost } from './script-host.ts';
import { createState } from './state.ts';
import type { ScriptState } from './state.ts';

/** What a script's state may hold. */
const STATE_BYTES_MAX = 64 * 1_048_576;
/** A state that is left with more than this is dropped after the script. */
const STATE_BYTES_KEPT = 4 * 1_048_576;
/** How long a state waits for the next script before it is dropped. */
const IDLE_MS = 30_000;

/** A node's scripts, the state they run in, and its functions. */
export class Scripting implements NodeScripts {
  readonly cache: ScriptCache;
  readonly jobs: Jobs;
  readonly functions: FunctionHost;
  private readonly standalone: boolean;
  private state: ScriptState | undefined;
  /** Where the state keeps the scripts that it has compiled. */
  private readonly refs = new Map<Script, number>();
  private idle: NodeJS.Timeout | undefined;
  /** The state was used since the timer last looked. */
  private used = false;

  constructor(server: Server) {
    this.standalone = server.host.standalone;
    this.jobs = new Jobs(server, (job) => (job.kind === 'eval' ? this.drop() : this.functions.drop()));
    this.functions = new FunctionHost(server, this.jobs, STATE_BYTES_MAX);
    this.cache = new ScriptCache(!server.host.standalone, (script) => this.forget(script));
  }

  get busy(): string | undefined {
    if (!this.jobs.overdue) return undefined;
    return this.jobs.running?.kind === 'eval' ? BUSY : BUSY_FUNCTION;
  }

  get sizes(): ScriptSizes {
    return {
      scripts: this.cache.size,
      scriptBytes: this.cache.bytes,
      evalStateBytes: this.state?.lua.usedBytes ?? 0,
      ...this.functions.sizes,
    };
  }

  readsOnly(request: readonly string[]): boolean {
    const [name, what] = [request[0]!.toLowerCase(), request[1]!];
    if (name === 'fcall') return this.functions.flagsOf(what)?.has('no-writes') === true;
    const script = name === 'eval' ? this.cache.parse(what) : this.cache.byDigest(what);
    return typeof script === 'object' && script.flags?.has('no-writes') === true;
  }

  /** Compiles a script and keeps it. Returns the error line when it does not compile. */
  load(source: string, stays: boolean): Script | string {
    const known = this.cache.bySourceText(source);
    if (known !== undefined) {
      if (stays) this.cache.hold(source);
      return known;
    }
    const refusal = codeRefusal(source, this.standalone);
    if (refusal !== undefined) return refusal;
    const script = this.cache.parse(source);
    if (typeof script === 'string') return script;
    const ref = this.refOf(script);
    if (typeof ref === 'string') return ref;
    return this.cache.add(source, script, stays) ? script : OOM;
  }

  /** Forgets all scripts, and whatever the state holds. */
  flush(): void {
    this.cache.clear();
    this.drop();
  }

  /** Runs a script for a client. When it takes longer than a slice, the client's reply is pending. */
  run(
    client: Client,
    script: Script,
    request: readonly string[],
    keys: readonly string[],
    args: readonly string[],
    readOnly: boolean,
  ): void {
    const { jobs } = this;
    const ref = this.refOf(script);
    if (typeof ref === 'string') {
      client.reply.error(ref);
      return;
    }
    const state = this.ready();
    const { flags, sha, straight } = script;
    const job: Job = {
      kind: 'eval',
      name: sha,
      client,
      request,
      state,
      readOnly: readOnly || flags?.has('no-writes') === true,
      allowOom: flags?.has('allow-oom') === true,
      startedAtMs: 0,
      full: false,
      wrote: false,
      endsAtMs: undefined,
      lastWords: TOO_LONG,
      replies: straight ? [] : undefined,
    };
    const start = (): Later<number> => {
      const status = state.start(ref, straight);
      // It has no loops, and what it was told it is told again: so it comes to the same place.
      return job.retold === undefined ? status : state.start(ref, false);
    };
    const outcome = jobs.run(job, state.give(keys, args), start);
    if (outcome instanceof Promise) jobs.perform(client, () => outcome.then((late) => this.reply(state, late)));
    else jobs.perform(client, () => this.reply(state, outcome));
  }

  private reply(state: ScriptState, outcome: number | string): Later<void> {
    const done = this.jobs.reply(outcome);
    return state.lua.usedBytes <= STATE_BYTES_KEPT ? done : after(done, () => this.drop());
  }

  kill(kind: 'eval' | 'function'): ReturnType<NodeScripts['kill']> {
    return this.jobs.kill(kind);
  }

  close(): void {
    clearInterval(this.idle);
    this.jobs.close();
  }

  whenFree(callback: () => void): void {
    this.jobs.whenFree(callback);
  }

  reloadFunctions(): void {
    this.functions.drop();
  }

  /** Where the state keeps a script; the error line when it does not compile. */
  private refOf(script: Script): number | string {
    const state = this.ready();
    const known = this.refs.get(script);
    if (known !== undefined) return known;
    const ref = state.compile(script.body, '@user_script');
    if (typeof ref === 'string') return `ERR Error compiling script (new function): ${ref}`;
    this.refs.set(script, ref);
    return ref;
  }

  private ready(): ScriptState {
    this.used = true;
    this.idle ??= setInterval(() => this.dropIfIdle(), IDLE_MS).unref();
    if (this.state !== undefined) return this.state;
    const state = createState(scriptHost(this.jobs), STATE_BYTES_MAX, true);
    this.jobs.slice(state);
    return (this.state = state);
  }

  private dropIfIdle(): void {
    const { used } = this;
    this.used = false;
    if (used || this.jobs.running !== undefined) return;
    clearInterval(this.idle);
    this.idle = undefined;
    this.drop();
  }

  private drop(): void {
    this.state = undefined;
    this.refs.clear();
  }

  private forget(script: Script): void {
    const ref = this.refs.get(script);
    if (ref !== undefined) this.state?.release(ref);
    this.refs.delete(script);
  }
}

/** The scripts of a node, made when first asked for. */
export function scriptingOf(server: Server): Scripting {
  const { scripting } = server;
  if (scripting instanceof Scripting) return scripting;
  const made = new Scripting(server);
  server.scripting = made;
  return made;
}
