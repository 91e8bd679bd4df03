import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { freePort } from '#infra/local/free-port.ts';
import { type PlatformFile, readPlatformFile } from '#infra/local/platform-file.ts';
import { endSurvivors } from '#infra/local/postgres/survivors.ts';
import { isAlive, signal } from '#infra/process/identity.ts';

/** A home with ports of its own. Under /tmp and closed to everyone else, as `mktemp -d` makes it. */
export interface Home {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  remove(): Promise<void>;
}

/** Makes a home; unless the environment says otherwise no Temporal is run, since nothing listens at its address. */
export async function newHome(env: NodeJS.ProcessEnv = { TEMPORAL_ADDRESS: '127.0.0.1:1' }): Promise<Home> {
  const folder = mkdtempSync(path.join(tmpdir(), 'local-'));
  const ports = { GATEWAY_PORT: String(await freePort()), RESP_PORT: String(await freePort()) };
  return {
    folder,
    env: { ...process.env, ...ports, MINIREDIS_HOME: folder, ...env },
    async remove() {
      const children = Object.values(readPlatformFile(folder)?.children ?? {});
      for (const child of children) signal(child, 'SIGKILL');
      await endSurvivors(path.join(folder, 'postgres'));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A process and what it prints. */
export interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly output: () => string;
}

/** Runs a script of the project. */
export function run(script: string, args: readonly string[], env: NodeJS.ProcessEnv): Run {
  const child = spawn(process.execPath, [path.resolve(script), ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, killer) => resolve(killer ?? code ?? -1));
  });
  return { child, ended, output: () => output };
}

/** The platform with roles of a few lines. */
export function startTiny(home: Home): Run {
  return run('test/integration/local-tiny-platform.ts', [], home.env);
}

/** Waits until the platform that `started` is says that all roles are ready */
export async function untilReady(home: Home, started: Run): Promise<PlatformFile> {
  return until(
    () => {
      if (started.child.exitCode !== null) throw new Error(`it ended:\n${started.output()}\n${platformLog(home)}`);
      const file = readPlatformFile(home.folder);
      return file?.pid === started.child.pid && file?.ready === true ? file : undefined;
    },
    () => `${started.output()}\n${platformLog(home)}`,
  );
}

/** A bound for what never comes, on a machine that has much else to do; how soon things come is for benchmarks to say. */
const patience_ms = 60_000;

/** Waits until `look` finds something; `why` says more when it does not. */
export async function until<T>(
  look: () => T | undefined | Promise<T | undefined>,
  why: () => string = () => '',
): Promise<T> {
  const deadline = performance.now() + patience_ms;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`not within ${patience_ms} ms\n${why()}`);
    await sleep(20);
  }
}

/** Whether the gateway's port answers that the platform is ready. */
export async function answersReady(home: Home): Promise<true | undefined> {
  try {
    const { ok } = await fetch(`http://127.0.0.1:${home.env['GATEWAY_PORT']}/readyz`, {
      signal: AbortSignal.timeout(2000),
    });
    return ok || undefined;
  } catch {
    return undefined;
  }
}

/** Which of the children that a platform file lists still run. */
export function survivors(file: PlatformFile): string[] {
  return Object.entries(file.children).flatMap(([name, identity]) => (isAlive(identity) ? [name] : []));
}

function platformLog(home: Home): string {
  try {
    return readFileSync(path.join(home.folder, 'logs/platform.log'), 'utf8');
  } catch {
    return '';
  }
}
