import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '#infra/local/free-port.ts';
import { V8_FLAGS } from '#workers/resp/v8-flags.ts';
import { memoryOf } from '../tools/memory.ts';
import type { Target } from './target.ts';

/** What a probed engine says of itself, in bytes. */
export interface Weight {
  /** Heap and external memory in use. */
  readonly grown: number;
  /** What the node accounts for. */
  readonly accounted: number;
  /** Microseconds that making a node took. */
  readonly creation_us: number;
}

/** An engine whose memory can be measured after a garbage collection. */
export interface ProbedEngine extends Target {
  measure(): Promise<Weight & { readonly rss: number; readonly pss: number }>;
  /** Puts a key into each of its nodes. */
  useNodes(): Promise<void>;
}

/** Starts one with so many nodes beside the one that its port leads to. */
export async function startProbedEngine(nodes = 0): Promise<ProbedEngine> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'miniredis-bench-'));
  const args = ['--port', String(port), '--nodes', String(nodes)];
  const child = fork(join(import.meta.dirname, 'probed-engine.ts'), args, {
    cwd: folder,
    execArgv: [...V8_FLAGS],
    // As the platform starts its processes: without the compiler of TypeScript in memory, once there is what it made.
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'miniredis-bench-compiled') },
  });
  const asked = async (word: string): Promise<unknown> => {
    child.send(word);
    const [answer] = (await once(child, 'message')) as [unknown];
    return answer;
  };
  const pids = [child.pid ?? 0];
  return {
    label: 'engine',
    address: { host: '127.0.0.1', port },
    pids: () => pids,
    async measure() {
      const weight = (await asked('measure')) as Weight;
      // Freed pages go back to the system a little later.
      await sleep(1000);
      return { ...weight, ...(await memoryOf(pids)) };
    },
    async useNodes() {
      await asked('use');
    },
    async stop() {
      // It ends by itself then, and writes down what it has compiled.
      child.disconnect();
      await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
