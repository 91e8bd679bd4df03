import type { Settings } from '../config/config.ts';
import { whenNpmIsGone } from './launcher.ts';
import { startPlatform } from './platform.ts';
import { roleScript } from './role-process.ts';
import { CannotStart } from './take-home.ts';
import { banner, openTerminal } from './terminal.ts';

const exitFailed = 1;

/** Ctrl-C under npm arrives twice, from the terminal and from npm; a second one that is meant comes later. */
const sameKeypress_ms = 500;

/**
 * Runs the platform for the whole life of this process: starts it, says so, and stops it on SIGTERM, SIGINT or SIGHUP,
 * or when npm, which started it, is gone. Ends the
 * process with 0 after a clean stop and with 1 when it could not start; `script` runs one role.
 */
export async function runPlatform(settings: Settings, script = roleScript): Promise<never> {
  const startedAt = performance.now();
  const terminal = openTerminal();
  const stopping = new AbortController();
  let askedAt = 0;
  const ask = (): void => {
    if (!stopping.signal.aborted) {
      askedAt = performance.now();
      terminal.line('Stopping: work that has begun is finished first. Once more ends it at once.');
      stopping.abort();
    } else if (performance.now() - askedAt > sameKeypress_ms) process.exit(exitFailed);
  };
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, ask);
  whenNpmIsGone(() => void (stopping.signal.aborted || ask()));

  try {
    const platform = await startPlatform(settings, terminal, stopping.signal, script);
    void platform.ready.then(() => {
      if (!stopping.signal.aborted) terminal.line(banner(platform.config, performance.now() - startedAt));
    });
    if (!stopping.signal.aborted) {
      // The children keep the event loop busy; this only waits for the word.
      await new Promise((resolve) => stopping.signal.addEventListener('abort', resolve));
    }
    await platform.stop();
    terminal.line('Stopped.');
  } catch (error) {
    if (!stopping.signal.aborted) {
      terminal.line(error instanceof CannotStart ? `MiniRedis cannot start.\n${error.message}` : String(error));
      process.exit(exitFailed);
    }
  }
  process.exit(0);
}
