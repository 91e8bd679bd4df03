import { readFileSync } from 'node:fs';

import { splitWords } from './protocol/parser.ts';

/** One line of a configuration, or one option of the command line: its name in lower case, and its words. */
export interface Directive {
  readonly name: string;
  readonly words: readonly string[];
  /** For the error that refuses it. */
  readonly where: string;
}

/** What a real server needs and this one does not: taken without effect, and said so in the log. */
const WITHOUT_EFFECT = new Set(
  'activedefrag activerehashing always-show-logo aof-rewrite-incremental-fsync appendonly-fsync-on-rewrite crash-log-enabled crash-memcheck-enabled daemonize disable-thp dynamic-hz enable-debug-command enable-module-command enable-protected-configs hz ignore-warnings io-threads io-threads-do-reads jemalloc-bg-thread lazyfree-lazy-eviction lazyfree-lazy-expire lazyfree-lazy-server-del lazyfree-lazy-user-flush locale-collate logfile loglevel no-appendfsync-on-rewrite oom-score-adj pidfile proc-title-template propagation-error-behavior protected-mode rdb-del-sync-files rdb-save-incremental-fsync repl-backlog-size repl-backlog-ttl repl-disable-tcp-nodelay repl-diskless-load repl-diskless-sync repl-diskless-sync-delay repl-ping-replica-period repl-timeout replica-lazy-flush replica-priority replica-read-only replica-serve-stale-data sanitize-dump-payload set-proc-title shutdown-on-sigint shutdown-on-sigterm shutdown-timeout slave-serve-stale-data socket-mark-id supervised syslog-enabled tcp-backlog unixsocket unixsocketperm use-exit-on-panic'.split(
    ' ',
  ),
);

/** Whether a directive has no meaning here and can be passed over. */
export function isWithoutEffect({ name }: Directive): boolean {
  return WITHOUT_EFFECT.has(name);
}

/**
 * What `redis-server` understands: the name of a configuration file first, if any, then `--name value …`. Throws, naming
 * the place, when it makes no sense.
 */
export function readDirectives(argv: readonly string[]): Directive[] {
  const directives: Directive[] = [];
  let at = 0;
  if (argv[0] !== undefined && !argv[0].startsWith('--')) {
    directives.push(...readConfigFile(argv[0]));
    at = 1;
  }
  while (at < argv.length) {
    const option = argv[at++]!;
    if (!option.startsWith('--')) throw new Error(`The option ${option} has no name; write --name value.`);
    const words: string[] = [];
    while (at < argv.length && !argv[at]!.startsWith('--')) words.push(argv[at++]!);
    directives.push({ name: option.slice(2).toLowerCase(), words, where: option });
  }
  return directives;
}

function readConfigFile(file: string, depth = 0): Directive[] {
  if (depth > 16) throw new Error(`The configuration file ${file} includes itself.`);
  const directives: Directive[] = [];
  const lines = (file === '-' ? readFileSync(0, 'latin1') : readFileSync(file, 'latin1')).split(/\r?\n/);
  for (const [index, line] of lines.entries()) {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) continue;
    const where = `line ${index + 1} of ${file}`;
    const words = splitWords(text);
    if (words === undefined) throw new Error(`The quotes are unbalanced in ${where}.`);
    const [name, ...rest] = words as [string, ...string[]];
    if (name.toLowerCase() === 'include') for (const one of rest) directives.push(...readConfigFile(one, depth + 1));
    else directives.push({ name: name.toLowerCase(), words: rest, where });
  }
  return directives;
}
