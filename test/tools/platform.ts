import { spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const root = resolve(import.meta.dirname, '../..');

export interface Credentials {
  readonly gatewayUrl: string;
  readonly apiKey: string;
  readonly respPort: number;
}

/** What `npm start` tells operators of its processes, in `$MINIREDIS_HOME/run/platform.json`. */
export interface PlatformFile {
  readonly pid: number;
  readonly children: Record<string, { readonly pid: number; readonly port?: number }>;
  readonly databaseUrl: string;
  readonly temporalAddress: string | null;
}

async function readJson<T>(path: string): Promise<T | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch {
    return null;
  }
}

export const readCredentials = (home: string) => readJson<Credentials>(join(home, 'credentials.json'));
export const readPlatformFile = (home: string) => readJson<PlatformFile>(join(home, 'run/platform.json'));

/** Whether a gateway answers that it is ready. */
export async function isReady(gatewayUrl: string): Promise<boolean> {
  try {
    return (await fetch(`${gatewayUrl}/readyz`, { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    return false;
  }
}

export interface StartedPlatform {
  readonly home: string;
  readonly process: ChildProcess;
  readonly credentials: Credentials;
  /** What it printed so far. */
  readonly output: () => string;
  /** SIGTERM, then waits for the end; returns the exit code (null after a signal). */
  readonly stop: () => Promise<number | null>;
}

/**
 * Runs `npm start`'s command with a home and ports of its own and waits until it is ready. Rejects with what it printed
 * when it ends before.
 */
export async function startPlatform(options: {
  home: string;
  env?: Record<string, string>;
  timeoutMs?: number;
  onOutput?: (text: string) => void;
}): Promise<StartedPlatform> {
  const child = spawn(process.execPath, [join(root, 'infra/local/start.ts')], {
    cwd: root,
    env: { ...process.env, MINIREDIS_HOME: options.home, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (chunk: Buffer) => {
    output += chunk.toString();
    options.onOutput?.(chunk.toString());
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = new Promise<number | null>((done) => child.once('exit', done));

  const deadline = Date.now() + (options.timeoutMs ?? 60_000);
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the platform ended at once:\n${output}`);
    const [credentials, platform] = await Promise.all([readCredentials(options.home), readPlatformFile(options.home)]);
    // Credentials of an earlier start may still be there: they count once this start has taken the home.
    if (credentials !== null && platform?.pid === child.pid && (await isReady(credentials.gatewayUrl))) {
      const stop = async () => {
        child.kill('SIGTERM');
        return ended;
      };
      return { home: options.home, process: child, credentials, output: () => output, stop };
    }
    if (Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`the platform was not ready in time:\n${output}`);
    }
    await sleep(25);
  }
}
