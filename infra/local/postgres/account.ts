import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';

/** An unprivileged account of this machine. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Accounts that may own a database, best first. They exist on practically every machine, so none has to be made. */
const candidates = ['postgres', 'nobody'];

/**
 * The account PostgreSQL runs as, because it refuses to run as root; undefined where this process is not root and
 * PostgreSQL can simply be its child. Data that exists already keeps the owner it has.
 */
export function postgresAccount(dataFolder: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  if (existsSync(dataFolder)) {
    const { uid, gid } = statSync(dataFolder);
    if (uid !== 0) return { uid, gid };
  }
  const entries = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of candidates) {
    const entry = entries.find(([login]) => login === name);
    if (entry !== undefined) return { uid: Number(entry[2]), gid: Number(entry[3]) };
  }
  throw new Error(
    `PostgreSQL refuses to run as root and this machine has none of the accounts ${candidates.join(', ')}: ` +
      'start MiniRedis as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own.',
  );
}

/**
 * A name under which a process of this account, started with the folder as its working directory, reaches it. Usually that is its
 * path; but a home may lie under a folder that is closed to the account, such as /root, whose mode is not ours to change. Linux
 * then has another name for it: a process is always let through to its own working directory, see proc_pid_cwd(5).
 */
export function reachableName(account: Account | undefined, folder: string): string {
  // Found out by entering it, since access lists and mounts count as much as modes do.
  if (account === undefined || runs(account, '/bin/sh', ['-c', 'cd -- "$1"', 'sh', folder])) return folder;
  if (process.platform === 'linux') return '/proc/self/cwd';
  throw new Error(
    `PostgreSQL's account cannot enter ${folder}: set MINIREDIS_HOME to a folder that every account can reach, ` +
      'start MiniRedis as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own.',
  );
}

/** Whether the account can run a command to a successful end. */
export function runs(account: Account | undefined, command: string, args: readonly string[]): boolean {
  const { status } = spawnSync(command, args, { cwd: '/', stdio: 'ignore', ...account });
  return status === 0;
}
