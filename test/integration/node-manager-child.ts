import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

import { toEnvironment } from '#infra/config/config.ts';

import type { Bed } from './node-manager-bed.ts';

/** A node manager in a process of its own, which can be killed. */
export interface ChildManager {
  readonly process: ChildProcess;
  /** From the start of the process until it served. */
  readonly start_ms: number;
  readonly rss_bytes: number;
  /** What it said on standard error so far. */
  said(): string;
  end(signal: NodeJS.Signals): Promise<void>;
}

const program = path.join(import.meta.dirname, 'node-manager-process.ts');

/** Starts it and waits until it serves. Rejects with what it said when it ends before. */
export async function startChild({ config, port }: Bed): Promise<ChildManager> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, ...toEnvironment(config), RESP_PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [output, errors] = ['', ''];
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const ready = new Promise<number>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const rss = /ready (\d+)/.exec(output)?.[1];
      if (rss !== undefined) resolve(Number(rss));
    });
    child.once('exit', (code, signal) => reject(new Error(`the manager ended (${code ?? signal}): ${errors}`)));
  });
  const rss_bytes = await ready;
  return {
    process: child,
    start_ms: performance.now() - startedAt,
    rss_bytes,
    said: () => errors,
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    },
  };
}
