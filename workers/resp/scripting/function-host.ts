import type { Client, Server } from '../clients/server.ts';
import { Functions, libraryHead, register } from './functions.ts';
import type { Library, LibraryFunction } from './functions.ts';
import { TOO_LONG } from './job.ts';
import { inTurn } from './jobs.ts';
import type { Jobs } from './jobs.ts';
import { after } from './later.ts';
import type { Later } from './later.ts';
import { loadErrorOf } from './outcome.ts';
import { scriptHost } from './script-host.ts';
import { createState } from './state.ts';
import type { ScriptState } from './state.ts';

/** How long the code of a library may take, as in Redis. */
const LOAD_LIMIT_MS = 500;

/** How libraries that are loaded meet those that are there. */
export type JoinPolicy = 'append' | 'replace' | 'flush';

/**
 * The functions of a node, and the state they live in. What lasts is the libraries' code in `node.libraries`; it is run when
 * a function is first asked for, and again when a state had to be dropped. The variables of a library live as long as its state.
 */
export class FunctionHost {
  private readonly server: Server;
  private readonly jobs: Jobs;
  private readonly limitBytes: number;
  private state: ScriptState | undefined;
  private readonly functions = new Functions();
  /** The library whose code is being run. */
  private loading: Library | undefined;

  constructor(server: Server, jobs: Jobs, limitBytes: number) {
    this.server = server;
    this.jobs = jobs;
    this.limitBytes = limitBytes;
  }

  get sizes(): { libraries: number; functions: number; functionBytes: number; functionStateBytes: number } {
    const { libraries } = this.server.node;
    let functionBytes = 0;
    for (const code of libraries?.values() ?? []) functionBytes += code.length;
    return {
      libraries: libraries?.size ?? 0,
      functions: this.functions.byName.size,
      functionBytes,
      functionStateBytes: this.state?.lua.usedBytes ?? 0,
    };
  }

  /** What a function says of itself, when it is loaded. */
  flagsOf(name: string): ReadonlySet<string> | undefined {
    return this.functions.byName.get(name.toLowerCase())?.flags;
  }

  /** Forgets the state; the libraries are loaded anew when they are needed. */
  drop(): void {
    this.state = undefined;
    this.functions.clear();
  }

  /** Loads what the node has, if that is not done, and goes on with the functions. */
  whenReady(client: Client, request: readonly string[], next: (functions: Functions) => Later<void>): Later<void> {
    const { libraries } = this.server.node;
    if (libraries === undefined || this.state !== undefined) return next(this.functions);
    const known = [...libraries.values()];
    const loaded: Library[] = [];
    // One that can't be loaded here, which a file from elsewhere may hold, keeps the others from nothing.
    const each = (code: string): Later<undefined> => after(this.load(client, request, code, loaded), () => undefined);
    return after(inTurn(known, each), () => {
      this.functions.join(loaded, new Set());
      return next(this.functions);
    });
  }

  /** Runs the code of libraries into `loaded`; the error line when one of them is wrong. */
  loadAll(
    client: Client,
    request: readonly string[],
    codes: readonly string[],
    loaded: Library[],
  ): Later<string | undefined> {
    return inTurn(codes, (code) => this.load(client, request, code, loaded));
  }

  private load(client: Client, request: readonly string[], code: string, loaded: Library[]): Later<string | undefined> {
    const head = libraryHead(code);
    if (typeof head === 'string') return head;
    if (loaded.some(({ name }) => name === head.name)) return `ERR Library '${head.name}' already exists`;
    const state = this.ready();
    const ref = state.compile(head.body, '@user_function');
    if (typeof ref === 'string') return `ERR Error compiling function: ${ref}`;
    const library: Library = { name: head.name, code, functions: new Map() };
    this.loading = library;
    const { jobs } = this;
    const job = {
      kind: 'load' as const,
      name: head.name,
      client,
      request,
      state,
      readOnly: true,
      allowOom: true,
      limitMs: LOAD_LIMIT_MS,
      startedAtMs: 0,
      full: false,
      wrote: false,
      endsAtMs: undefined,
      lastWords: 'FUNCTION LOAD timeout',
    };
    return after(
      jobs.run(job, undefined, () => state.startLibrary(ref)),
      (outcome) => {
        let problem = typeof outcome === 'string' ? outcome : undefined;
        if (typeof outcome === 'number' && outcome !== 0) problem = loadErrorOf(jobs.running!);
        this.loading = undefined;
        jobs.end();
        if (this.state === state) {
          state.endLibrary();
          state.release(ref);
        }
        if (problem === undefined && library.functions.size === 0) problem = 'ERR No functions registered';
        if (problem !== undefined) {
          this.release(library);
          return problem;
        }
        loaded.push(library);
        return undefined;
      },
    );
  }

  /** Makes loaded libraries the node's; returns the error line when they can't be. */
  adopt(loaded: readonly Library[], policy: JoinPolicy): string | undefined {
    const { functions } = this;
    const names = loaded.map(({ name }) => name);
    const known = names.find((name) => functions.libraries.has(name));
    let problem = policy === 'append' && known !== undefined ? `ERR Library ${known} already exists` : undefined;
    if (problem === undefined) {
      const left = functions.join(loaded, new Set(policy === 'flush' ? functions.libraries.keys() : names));
      if (typeof left === 'string') problem = left;
      else for (const library of left) this.release(library);
    }
    if (problem === undefined) this.remember();
    else for (const library of loaded) this.release(library);
    return problem;
  }

  /** Removes a library; false when there is none of that name. */
  delete(name: string): boolean {
    const library = this.functions.libraries.get(name);
    if (library === undefined) return false;
    this.functions.unlink(library);
    this.release(library);
    this.remember();
    return true;
  }

  flush(): void {
    this.drop();
    this.remember();
  }

  /** Calls a function for a client. */
  call(
    client: Client,
    fn: LibraryFunction,
    request: readonly string[],
    keys: readonly string[],
    args: readonly string[],
    readOnly: boolean,
  ): Later<void> {
    const { jobs } = this;
    const state = this.ready();
    return after(
      jobs.run(
        {
          kind: 'function',
          name: fn.name,
          client,
          request,
          state,
          readOnly: readOnly || fn.flags.has('no-writes'),
          allowOom: fn.flags.has('allow-oom'),
          startedAtMs: 0,
          full: false,
          wrote: false,
          endsAtMs: undefined,
          lastWords: TOO_LONG,
        },
        state.giveFunction(fn.ref, keys, args),
        () => state.callFunction(),
      ),
      (outcome) => jobs.reply(outcome),
    );
  }

  /** Writes down which libraries there are. */
  private remember(): void {
    const { node } = this.server;
    const { libraries } = this.functions;
    node.libraries =
      libraries.size === 0 ? undefined : new Map(Array.from(libraries.values(), ({ name, code }) => [name, code]));
  }

  private release(library: Library): void {
    for (const { ref } of library.functions.values()) this.state?.release(ref);
  }

  private ready(): ScriptState {
    if (this.state !== undefined) return this.state;
    const host = scriptHost(this.jobs, (registration) =>
      register(this.loading!, registration, (L, at) => state.keep(L, at)),
    );
    const state = createState(host, this.limitBytes, false);
    this.jobs.slice(state);
    return (this.state = state);
  }
}
