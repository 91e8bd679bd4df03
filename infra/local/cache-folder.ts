import { homedir } from 'node:os';
import path from 'node:path';

/** Where root keeps what PostgreSQL's account must reach when the clone or the home is closed to it. */
export const sharedFolder = '/var/lib/miniredis';

/** The folder for what all homes of this user share and what can be made again at any time. */
export function cacheFolder(): string {
  const base = process.env['XDG_CACHE_HOME'];
  return path.join(base !== undefined && path.isAbsolute(base) ? base : path.join(homedir(), '.cache'), 'miniredis');
}
