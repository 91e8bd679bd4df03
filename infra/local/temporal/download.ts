import { fork } from 'node:child_process';
import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { cacheFolder } from '../cache-folder.ts';

/** A download that brings nothing for so long is given up: first, whether there is a way at all; later, whether it is still there. */
const firstBytePatience_ms = 5000;
const stallPatience_ms = 20_000;

/** The SDK's own development server, downloaded on first use; undefined where it cannot be had (no internet, mostly). */
export async function downloadWithSdk(signal: AbortSignal): Promise<string | undefined> {
  const folder = path.join(cacheFolder(), 'temporal-sdk');
  await mkdir(folder, { recursive: true });
  const child = fork(fileURLToPath(new URL('sdk-download.ts', import.meta.url)), [folder], { stdio: 'ignore' });
  const exited = new Promise<number>((resolve) => {
    child.once('error', () => resolve(1));
    child.once('exit', (code) => resolve(code ?? 1));
  });
  let bytes = bytesIn(folder);
  let grewAt = performance.now();
  let patience_ms = firstBytePatience_ms;
  for (;;) {
    const code = await Promise.race([exited, sleep(250, undefined, { ref: false })]);
    if (code !== undefined) return code === 0 ? executableIn(folder) : undefined;
    const now = bytesIn(folder);
    if (now !== bytes) {
      bytes = now;
      grewAt = performance.now();
      patience_ms = stallPatience_ms;
    }
    if (signal.aborted || performance.now() - grewAt > patience_ms) {
      child.kill('SIGKILL');
      await exited;
      return undefined;
    }
  }
}

function bytesIn(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + sizeOf(path.join(folder, name)), 0);
}

/** The SDK names the file after its own version, so the newest program in the folder is the one. */
function executableIn(folder: string): string | undefined {
  const programs = readdirSync(folder)
    .map((name) => path.join(folder, name))
    .filter((file) => statSync(file).isFile() && isExecutable(file));
  return programs.toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** Whether this user may run the file. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
