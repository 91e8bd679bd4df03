import type { Client } from '../clients/server.ts';
import { othersAtWork } from '../clients/turns.ts';
import { stamp, startBatch } from '../commands/execute.ts';
import type { Piece } from '../protocol/chunk.ts';
import { pushField } from './values.ts';
import type { ScriptState } from './state.ts';

/** How long a script runs before others have their turn: when other nodes are at work too, and when none is. */
const SLICE_MS = 0.2;
const SLICE_ALONE_MS = 1;
/** How long a script that is to end may go on until its next instruction, before it is ended within one. */
const LAST_MS = 100;

/** A script, a function, or the loading of a library, from its start to its end. */
export interface Job {
  readonly kind: 'eval' | 'function' | 'load';
  /** The script's digest, or the function's name. */
  readonly name: string;
  readonly client: Client;
  /** The client's request. */
  readonly request: readonly string[];
  readonly state: ScriptState;
  readonly readOnly: boolean;
  readonly allowOom: boolean;
  /** What it may take, if that is not what all may. */
  readonly limitMs?: number;
  startedAtMs: number;
  /** The node was over its memory limit when it started. */
  full: boolean;
  wrote: boolean;
  /** A command that it calls is in the middle of its work: it is not ended there, or half of a write would stay. */
  calling?: boolean;
  /** Set while it can't be suspended: the replies to what it has called. */
  replies?: string[] | undefined;
  /** What it had called until it had to begin anew, which it is told again. */
  retold?: { readonly replies: readonly string[]; at: number; readonly unfinished: Generator<void, readonly Piece[]> };
  /** When it has to end; set once it takes longer than a slice, or when it is killed. */
  endsAtMs: number | undefined;
  /** What is said then. */
  lastWords: string;
}

/** The last words of what was given more time than it needs. */
export const TOO_LONG = 'Script has run for too long and was ended';

/** Thrown through Lua, which can't catch it; the state it leaves behind is dropped. */
export class Ended extends Error {}

function sliceMs(): number {
  return othersAtWork() ? SLICE_MS : SLICE_ALONE_MS;
}

/** Lets a job work in slices. */
export class Slices {
  private sliceEndsMs = 0;
  /** What a job may take. */
  private readonly limitMs: (job: Job) => number;
  private interruptedAtMs = 0;
  /** When the present slice began, and what those before it took; nothing in the first, which whoever called measures. */
  private resumedMs = 0;
  private restedMs = 0;

  constructor(limitMs: (job: Job) => number) {
    this.limitMs = limitMs;
  }

  /** A job starts; it looks at the clock only once it has worked for a while. */
  begin(): void {
    this.sliceEndsMs = 0;
    this.interruptedAtMs = 0;
    this.resumedMs = 0;
    this.restedMs = 0;
  }

  /** What the job has worked since its first slice, in milliseconds. */
  get laterMs(): number {
    return this.restedMs + (this.resumedMs === 0 ? 0 : performance.now() - this.resumedMs);
  }

  /** Whether the job has worked for a slice. */
  get over(): boolean {
    const now = performance.now();
    if (this.sliceEndsMs === 0) this.sliceEndsMs = now + sliceMs();
    return now >= this.sliceEndsMs;
  }

  /** Lets others have their turn; rejects when the job has to end. */
  rest(job: Job): Promise<void> {
    this.restedMs = this.laterMs;
    return new Promise((goOn, reject) => {
      setImmediate(() => {
        if (this.mustEnd(job)) {
          reject(new Ended());
          return;
        }
        // What others did meanwhile is not the next command's doing.
        startBatch();
        this.resumedMs = stamp();
        this.sliceEndsMs = this.resumedMs + sliceMs();
        goOn();
      });
    });
  }

  /** Whether a job has to be ended at once: it was told to end, and has not come to its next instruction. */
  private mustEnd(job: Job): boolean {
    const now = Date.now();
    if (now < (job.endsAtMs ??= job.startedAtMs + this.limitMs(job)) || job.calling === true) return false;
    if (this.interruptedAtMs === 0) {
      this.interruptedAtMs = now;
      const { lua } = job.state;
      lua.onInterrupt = (L) => pushField(lua, L, 'err', () => lua.push(L, `ERR ${job.lastWords}`));
      lua.interrupt();
      return false;
    }
    return now - this.interruptedAtMs > LAST_MS;
  }

  /** The job has ended; the next one in its state is not interrupted. */
  end({ state }: Job): void {
    if (this.interruptedAtMs !== 0) state.lua.endInterrupt();
  }
}
