import { statSync } from 'node:fs';
import path from 'node:path';

import { build, cachedBuild } from './build.ts';
import { downloadWithSdk, isExecutable } from './download.ts';

/** A Temporal server that can be started here: Temporal's own command with its development server, or the project's program. */
export interface TemporalProgram {
  readonly kind: 'command' | 'built';
  readonly path: string;
}

/** What can be had without waiting: `temporal` on the PATH, else a program built earlier. */
export function temporalAtHand(): TemporalProgram | undefined {
  const command = onPath('temporal');
  if (command !== undefined) return { kind: 'command', path: command };
  const built = cachedBuild();
  return built === undefined ? undefined : { kind: 'built', path: built };
}

/** What must be fetched or made: the SDK's download, else the Go build. Rejects when neither is possible, saying why. */
export async function obtainTemporal(
  signal: AbortSignal,
  onStep: (step: 'downloading' | 'building') => void,
): Promise<TemporalProgram> {
  onStep('downloading');
  const downloaded = await downloadWithSdk(signal);
  if (downloaded !== undefined) return { kind: 'command', path: downloaded };
  signal.throwIfAborted();
  onStep('building');
  return { kind: 'built', path: await build(signal) };
}

function onPath(name: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .filter((folder) => path.isAbsolute(folder))
    .map((folder) => path.join(folder, name))
    .find((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true && isExecutable(file));
}
