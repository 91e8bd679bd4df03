import { serveReady } from '../clients/blocking.ts';
import { Client } from '../clients/server.ts';
import { noteResumed } from '../clients/statistics.ts';
import type { Server } from '../clients/server.ts';
import { numberSetting } from '../config/settings.ts';
import { clock } from '../keyspace/clock.ts';
import { isOver } from '../keyspace/eviction.ts';
import { Ended, Slices } from './job.ts';
import type { Job } from './job.ts';
import { after } from './later.ts';
import { writeOutcome } from './outcome.ts';
import type { Later } from './later.ts';
import type { ScriptState } from './state.ts';

/** How often it is looked whether a script has run for so long that others are told. */
const BUSY_POLL_MS = 50;
/** How much longer than that a tenant's script may go on at most: then it is ended, and what it wrote stays. */
const TENANT_LIMIT_MS = 60_000;
/** What is left to a script whose node is closed. */
const CLOSING_MS = 1000;

/** The one job a node's scripts are at, in slices, and those who wait for its end. */
export class Jobs {
  running: Job | undefined;
  /** Carries out the commands that scripts call. */
  readonly inner: Client;
  private readonly server: Server;
  private readonly slices: Slices;
  /** Is told when a state can't be used any more. */
  private readonly broken: (job: Job) => void;
  private readonly waiting = new Set<() => void>();
  private poll: NodeJS.Timeout | undefined;

  constructor(server: Server, broken: (job: Job) => void) {
    this.server = server;
    this.broken = broken;
    this.slices = new Slices(
      ({ limitMs }) => limitMs ?? (server.host.standalone ? Infinity : this.thresholdMs + TENANT_LIMIT_MS),
    );
    this.inner = new Client(server, undefined, '127.0.0.1:0', '127.0.0.1:0');
    this.inner.executing = true;
    this.inner.scripted = true;
    this.inner.authenticated = true;
  }

  /** Whether others are told BUSY instead of being kept waiting. */
  get overdue(): boolean {
    const { running } = this;
    if (running === undefined) return false;
    const threshold = this.thresholdMs;
    return threshold > 0 && Date.now() - running.startedAtMs >= threshold;
  }

  private get thresholdMs(): number {
    return numberSetting(this.server, 'busy-reply-threshold');
  }

  /** Whether the node may not take more memory. */
  get full(): boolean {
    const { node, host } = this.server;
    return host.full || isOver(node);
  }

  /**
   * Runs a job, after what it is given first, in steps. The outcome is its status, or the error line when it was broken off; what it left on the stack is still
   * there then, and `running` is it.
   */
  run(job: Job, giving: Generator<void> | undefined, work: () => Later<number>): Later<number | string> {
    const { inner } = this;
    job.startedAtMs = clock.now;
    job.full = this.full;
    inner.db = job.client.db;
    inner.privileged = job.client.privileged;
    inner.user = job.client.user;
    inner.reply.resp3 = false;
    this.running = job;
    this.slices.begin();
    try {
      const outcome = giving === undefined ? work() : after(this.walk(job, giving), work);
      return typeof outcome === 'number' ? outcome : outcome.catch((error: unknown) => this.fail(job, error));
    } catch (error) {
      return this.fail(job, error);
    }
  }

  /** Has jobs of this state worked on in slices. */
  slice({ lua }: ScriptState): void {
    lua.isOver = () => this.running !== undefined && this.slices.over;
    lua.onRest = () => (this.running === undefined ? Promise.resolve() : this.slices.rest(this.running));
  }

  /** Replies with what a job came to, in slices, and ends it. */
  reply(outcome: number | string): Later<void> {
    const job = this.running!;
    const { reply } = job.client;
    if (typeof outcome === 'string') {
      reply.error(outcome);
      return this.end();
    }
    const steps = writeOutcome(job, reply, outcome, this.inner.reply.resp3);
    if (steps === undefined) return this.end();
    const mark = reply.mark();
    return after(this.goThrough(job, steps), (problem) => {
      if (problem !== undefined) {
        reply.rollback(mark);
        reply.error(problem);
      }
      this.end();
    });
  }

  /** Takes steps, in slices; gives the error line when the job had to be ended. */
  private goThrough(job: Job, steps: Generator<void>): Later<string | undefined> {
    const done = this.walk(job, steps);
    return done instanceof Promise
      ? done.then(
          () => undefined,
          (error: unknown) => this.fail(job, error),
        )
      : undefined;
  }

  /** Takes steps as far as the slice allows, and the rest later. */
  private walk(job: Job, steps: Generator<void>): Later<void> {
    while (steps.next().done !== true)
      if (this.slices.over) return this.slices.rest(job).then(() => this.walk(job, steps));
    return undefined;
  }

  /** A job has been replied to. */
  end(): void {
    const { running } = this;
    if (running !== undefined) this.slices.end(running);
    this.running = undefined;
    // What the commands that were called propagated is all the effect.
    this.server.node.rewritten = true;
  }

  private fail(job: Job, error: unknown): string {
    this.broken(job);
    this.inner.reply.take();
    if (error instanceof Ended) return `ERR ${job.lastWords}${job.kind === 'load' ? '' : ` script: ${job.name}.`}`;
    return `ERR Error running script ${job.name}, ${error instanceof Error ? error.message.slice(0, 100) : 'failure'}`;
  }

  /** Does what may take longer than a slice for a client; then its reply is pending, and only its node waits. */
  perform(client: Client, work: () => Later<void>): void {
    const { node } = this.server;
    const done = work();
    if (!(done instanceof Promise)) return;
    client.pending = done.then(() => this.endLate(client));
    client.runsOn = true;
    node.rewritten = true;
    node.busy = true;
  }

  private endLate(client: Client): void {
    const { node } = this.server;
    setImmediate(() => this.wake());
    client.runsOn = false;
    noteResumed(client, this.slices.laterMs * 1000);
    // A transaction goes on by itself.
    if (client.executing) return;
    node.flushEffects();
    node.endWork();
    serveReady(this.server);
  }

  /** Ends the running job before its next instructions, unless it has written. */
  kill(kind: 'eval' | 'function'): 'killed' | 'wrote' | 'none' | 'other' {
    const { running } = this;
    if (running === undefined || running.kind === 'load') return 'none';
    if (running.wrote) return 'wrote';
    if (running.kind !== kind) return 'other';
    running.lastWords = 'Script killed by user with SCRIPT KILL...';
    running.endsAtMs = 0;
    return 'killed';
  }

  /** The node is gone: what it was at may come to its end, if that is soon. */
  close(): void {
    clearInterval(this.poll);
    const { running } = this;
    if (running === undefined) return;
    running.lastWords = 'Script was ended because its node was stopped';
    running.endsAtMs = Math.min(running.endsAtMs ?? Infinity, Date.now() + CLOSING_MS);
  }

  /** Calls back once nothing runs, or those who wait are to be told BUSY. */
  whenFree(callback: () => void): void {
    this.waiting.add(callback);
    this.poll ??= setInterval(() => this.wake(), BUSY_POLL_MS).unref();
  }

  private wake(): void {
    if (this.server.node.busy && !this.overdue) return;
    clearInterval(this.poll);
    this.poll = undefined;
    const all = [...this.waiting];
    this.waiting.clear();
    for (const one of all) one();
  }
}

/** Does things one after another, each of which may take its time; the first that gives a line ends it. */
export function inTurn<T>(
  items: readonly T[],
  each: (item: T) => Later<string | undefined>,
  at = 0,
): Later<string | undefined> {
  if (at === items.length) return undefined;
  return after(each(items[at]!), (line) => line ?? inTurn(items, each, at + 1));
}
