import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const entry = join(import.meta.dirname, '../../workers/resp/main.ts');

/** A server of its own, in a folder of its own, that a suite may do anything to. */
export interface Target {
  readonly port: number;
  /** Whether it still runs. */
  readonly alive: () => boolean;
  stop(): Promise<void>;
}

/** Starts the standalone engine as a user would for such suites: unrestricted, on a free port, nothing saved by itself. */
export async function startTarget(): Promise<Target> {
  const dir = await mkdtemp(join(tmpdir(), 'miniredis-conformance-'));
  const child = spawn(process.execPath, [entry, '--port', '0', '--dir', dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise<number>((resolve, reject) => {
    let said = '';
    child.once('exit', (code) => reject(new Error(`The engine ended with ${code} before it was ready: ${said}`)));
    child.stdout.on('data', (chunk) => {
      said = `${said}${String(chunk)}`.slice(-10_000);
      const found = /Ready to accept connections on \S+:(\d+)/.exec(said)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
  });
  return {
    port,
    alive: () => child.exitCode === null && child.signalCode === null,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        await ended;
      }
      await rm(dir, { recursive: true, force: true });
    },
  };
}
