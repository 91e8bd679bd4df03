import { existsSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';

/** A log that has grown beyond this when its process starts is set aside, so that a home never fills up with two generations. */
const logSizeMax_bytes = 64 * 2 ** 20;

/** Makes the folders of a home. Throws with a sentence when the place cannot be written to. */
export function ensureHome(home: string): void {
  try {
    makeFolder(home, 0o755);
    for (const name of ['run', 'logs', 'objects']) makeFolder(path.join(home, name), 0o700);
  } catch (cause) {
    const { code = 'an error' } = cause as NodeJS.ErrnoException;
    throw new Error(
      `MINIREDIS_HOME ${home} cannot be used (${code}): set it to a folder that this user may write to.`,
      { cause },
    );
  }
}

/** Node's own recursive mkdir never returns where a file system answers ENOENT although the parent is there, as /proc does. */
function makeFolder(folder: string, mode: number): void {
  if (existsSync(folder) && statSync(folder).isDirectory()) return;
  const parent = path.dirname(folder);
  if (!existsSync(parent)) makeFolder(parent, 0o755);
  mkdirSync(folder, { mode });
}

/** Where a part's log is. */
export function logFile(home: string, name: string): string {
  return path.join(home, 'logs', `${name}.log`);
}

/** Opens `<home>/logs/<name>.log` for appending. The caller closes the descriptor once a child has it. */
export function openLog(home: string, name: string): number {
  const file = logFile(home, name);
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > logSizeMax_bytes) renameSync(file, `${file}.1`);
  return openSync(file, 'a', 0o600);
}
