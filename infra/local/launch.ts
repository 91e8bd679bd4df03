import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** A child process on its way up, up, or on its way down. */
export interface Launched {
  readonly pid: number;
  /** Settles when the process can do its work; rejects when it exits before that. */
  readonly ready: Promise<void>;
  /** Settles with the reason in words when the process is gone, however that came. */
  readonly exited: Promise<string>;
  /** Ends the process, at last by force, and waits until it is gone. */
  stop(): Promise<void>;
}

/** Signals to send in turn, each with the time the process has before the next. */
export type StopSteps = ReadonlyArray<readonly [signal: NodeJS.Signals, patience_ms: number]>;

/**
 * Follows a child that was just spawned. `becomeReady` resolves when the process can do its work; it is given a signal that
 * aborts when the process is gone, and may reject to say that waiting is pointless.
 */
export function follow(
  child: ChildProcess,
  becomeReady: (gone: AbortSignal) => Promise<void>,
  stopSteps: StopSteps,
): Launched {
  const gone = new AbortController();
  const exited = new Promise<string>((resolve) => {
    const end = (reason: string): void => {
      gone.abort();
      resolve(reason);
    };
    child.once('error', (error) => end(error.message));
    child.once('exit', (code, killer) => end(killer ?? `exit code ${code}`));
  });
  const died = exited.then((reason) => {
    throw new Error(`it ended before it was ready (${reason})`);
  });
  const ready = Promise.race([becomeReady(gone.signal), died]);
  // Whoever waits for readiness hears of the failure; nobody has to wait.
  died.catch(() => {});
  ready.catch(() => {});
  return {
    pid: child.pid ?? 0,
    ready,
    exited,
    async stop() {
      for (const [signal, patience_ms] of stopSteps) {
        if (gone.signal.aborted) return;
        child.kill(signal);
        await Promise.race([exited, sleep(patience_ms, undefined, { ref: false })]);
      }
      if (gone.signal.aborted) return;
      child.kill('SIGKILL');
      await exited;
    },
  };
}
