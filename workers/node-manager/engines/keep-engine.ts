import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { follow, type Launched } from '#infra/local/launch.ts';
import { supervise } from '#infra/local/supervise.ts';
import type { Logger } from '#infra/logging/log.ts';
import { V8_FLAGS } from '#workers/resp/v8-flags.ts';

import type { EngineCalls, EngineSettings, ManagerCalls } from './calls.ts';
import { openChannel, type Channel, type Handlers } from './channel.ts';

/** An engine process that is started again whenever it ends. */
export interface KeptEngine {
  readonly index: number;
  /** The process that is up right now. */
  readonly current: Channel<EngineCalls> | undefined;
  /** Asks the process, as soon as it is up, and the next one when it ends before it has answered. */
  ask<Name extends keyof EngineCalls>(
    name: Name,
    asks: EngineCalls[Name]['asks'],
  ): Promise<EngineCalls[Name]['answers']>;
  /** Lets it finish what it has begun and ends it. What is asked from now on is rejected. */
  stop(): Promise<void>;
}

interface KeepOptions {
  readonly settings: EngineSettings;
  readonly handlers: Handlers<ManagerCalls>;
  readonly log: Logger;
  /** A process is up, and there is data of these nodes. */
  readonly onUp: (holding: EngineCalls['start']['answers']) => void;
  /** The process that was up is gone. */
  readonly onGone: () => void;
}

const program = fileURLToPath(new URL('engine-process.ts', import.meta.url));

/** An engine process holds its nodes' data in its heap; beside it stand the engine's own structures and what is being read and written. */
const heapBeside_mb = 1024;
/** Longer than it takes for itself to drain, so that force is for those that hang. */
const stopSteps = [['SIGTERM', 8000]] as const;

/** The process ended before it answered. */
class EngineGone extends Error {
  override readonly name = 'EngineGone';
  /** It may go better another time. */
  readonly code = 'ENGINE_GONE';
}

/** Keeps an engine process running, with a pause between lives that fail at once. */
export function keepEngine({ settings, handlers, log, onUp, onGone }: KeepOptions): KeptEngine {
  let current: Channel<EngineCalls> | undefined;
  let up = Promise.withResolvers<Channel<EngineCalls>>();
  let stopping = false;

  const launch = async (): Promise<Launched> => {
    const heap_mb = Math.ceil(settings.budgetBytes / 2 ** 20) + heapBeside_mb;
    const child = fork(program, [], {
      // A Ctrl-C in the terminal is for the platform, which stops its parts in their order.
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [`--max-old-space-size=${heap_mb}`, ...V8_FLAGS],
    });
    const channel = openChannel<ManagerCalls, EngineCalls>(child, handlers);
    const launched = follow(
      child,
      async () => {
        const holding = await channel.call('start', settings);
        current = channel;
        onUp(holding);
        up.resolve(channel);
      },
      stopSteps,
    );
    void launched.exited.then((reason) => {
      const wasUp = current === channel;
      if (wasUp) {
        current = undefined;
        up = Promise.withResolvers();
        up.promise.catch(() => {});
        if (stopping) up.reject(gone('it stops'));
      }
      channel.end(gone(reason));
      if (wasUp) onGone();
    });
    return launched;
  };

  function gone(reason: string): EngineGone {
    return new EngineGone(`The engine process ${settings.index} is gone (${reason}); try again in a moment.`);
  }

  up.promise.catch(() => {});
  const kept = supervise(`engine ${settings.index}`, launch, log, () => {});
  return {
    index: settings.index,
    get current() {
      return current;
    },
    async ask(name, asks) {
      for (;;) {
        const channel = await up.promise;
        try {
          return await channel.call(name, asks);
        } catch (error) {
          if (!(error instanceof EngineGone) || stopping) throw error;
        }
      }
    },
    async stop() {
      stopping = true;
      up.reject(gone('it stops'));
      await kept.stop();
    },
  };
}
