import { homedir } from 'node:os';
import path from 'node:path';

/** Where root keeps a copy of PostgreSQL's programs when the clone is closed to PostgreSQL's account. */
export const sharedFolder = '/var/lib/miniredis';

/** The folder for what all homes of this user share and what can be made again at any time. */
export function cacheFolder(): string {
  const base = process.env['XDG_CACHE_HOME'];
  return path.join(base !== undefined && path.isAbsolute(base) ? base : path.join(homedir(), '.cache'), 'miniredis');
}
