import { createHash } from 'node:crypto';

/** A script as it is kept. */
export interface Script {
  readonly sha: string;
  readonly source: string;
  /** Absent for scripts without a shebang line. */
  readonly flags: ReadonlySet<string> | undefined;
}

const FLAGS = new Set(['no-writes', 'allow-oom', 'allow-stale', 'no-cluster', 'allow-cross-slot-keys']);

/** Reads a script's shebang line, if it has one. Returns the error line when it is wrong. */
export function parseScript(source: string): Script | string {
  const sha = createHash('sha1').update(source, 'latin1').digest('hex');
  if (!source.startsWith('#!')) return { sha, source, flags: undefined };
  const end = source.indexOf('\n');
  if (end < 0) return 'ERR Invalid script shebang';
  const [engine, ...options] = source.slice(2, end).trim().split(/\s+/);
  if (engine !== 'lua') return `ERR Unexpected engine in script shebang: ${engine}`;
  const flags = new Set<string>();
  for (const option of options) {
    if (!option.startsWith('flags=')) return `ERR Unknown lua shebang option: ${option}`;
    for (const flag of option.slice('flags='.length).split(',')) {
      if (!FLAGS.has(flag)) return `ERR Unexpected flag in script shebang: ${flag}`;
      flags.add(flag);
    }
  }
  // The line itself is left empty, so that line numbers stay.
  return { sha, source: source.slice(end), flags };
}

/** Why a script that tells by flags what it does may not run now, as an error line. */
export function refusalOf({ flags }: Script, readOnly: boolean, full: boolean): string | undefined {
  if (flags === undefined || flags.has('no-writes')) return undefined;
  if (readOnly) return 'ERR Can not execute a script with write flag using *_ro command.';
  if (full && !flags.has('allow-oom'))
    return "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'";
  return undefined;
}
