import { readFileSync } from 'node:fs';

import { identify, isAlive, type ProcessIdentity } from '../process/identity.ts';

const interval_ms = 200;

/**
 * Calls back once when `npm start` is gone while this process still runs. npm passes signals on to the shell it started, which
 * dies of them without telling us, and a killed npm tells nobody: without this the platform would live on unseen and hold its home.
 * A platform that was not started by npm has no such parent to lose: whoever starts it may leave.
 */
export function whenNpmIsGone(callback: () => void): void {
  const ancestors = npmAncestors();
  if (ancestors.length === 0) return;
  const watch = setInterval(() => {
    if (ancestors.every(isAlive)) return;
    clearInterval(watch);
    callback();
  }, interval_ms);
  watch.unref();
}

/** The parent, and npm above it where the parent is the shell that npm runs scripts with. */
function npmAncestors(): ProcessIdentity[] {
  if (process.env['npm_lifecycle_event'] !== 'start') return [];
  const ancestors = [identify(process.ppid)];
  if (process.platform === 'linux') {
    try {
      const isShell = /\bsh\0-c\0/.test(readFileSync(`/proc/${process.ppid}/cmdline`, 'utf8'));
      const status = readFileSync(`/proc/${process.ppid}/status`, 'utf8');
      if (isShell) ancestors.push(identify(Number(/^PPid:\s*(\d+)/m.exec(status)?.[1])));
    } catch {
      // The parent has gone already; the first look at it will tell.
    }
  }
  return ancestors.filter((ancestor) => ancestor !== undefined);
}
