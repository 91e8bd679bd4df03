import { readFileSync } from 'node:fs';
import { parameterOf } from './catalogue.ts';
import { check } from './kinds.ts';

/** What a standalone server was told when it was started. */
export interface StartSettings {
  /** The configuration file, if one was named. */
  readonly file: string | undefined;
  /** Parameters by name; those that were not mentioned are missing. */
  readonly values: Map<string, string>;
  /** ACL users as `user` lines give them: the name, then rules. */
  readonly users: readonly string[];
}

/** What `--help` prints. */
export const USAGE = `Usage: npm run resp -- [<redis.conf>] [--<parameter> <value>…]…

A Redis server: the engine alone, with all that Redis 7.2 has but replication and modules.
Parameters are those of a redis.conf, and CONFIG GET * lists them:

  npm run resp -- --port 7000
  npm run resp -- --port 7000 --requirepass secret --dir /var/lib/resp --appendonly yes
  npm run resp -- redis.conf --save 900 1 --maxmemory 1gb --maxmemory-policy allkeys-lru

Also: --help, -h; --version, -v.
`;

/** Words of a line of a configuration file; those in quotes may hold blanks and escapes. */
function wordsOf(line: string): string[] {
  const words = line.match(/"(?:\\.|[^"\\])*"|'(?:\\'|[^'])*'|\S+/g) ?? [];
  return words.map((word) => {
    if (word.startsWith("'")) return word.slice(1, -1).replaceAll("\\'", "'");
    if (!word.startsWith('"')) return word;
    const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };
    return word
      .slice(1, -1)
      .replace(/\\(?:x([0-9a-f]{2})|(.))/gi, (_, hex: string | undefined, char: string) =>
        hex === undefined ? (escapes[char] ?? char) : String.fromCharCode(Number.parseInt(hex, 16)),
      );
  });
}

/** `--port 1 --save 900 1` as the lines a configuration file would have. */
function linesOf(args: readonly string[]): string[][] {
  const lines: string[][] = [];
  for (const [i, arg] of args.entries()) {
    // A word after the name is a value, even when it begins like a name.
    const opens = arg.startsWith('--') && (i === 0 || lines.at(-1)!.length > 1 || /^--save$/.test(args[i - 1]!));
    if (!opens) lines.at(-1)!.push(arg);
    else lines.push(arg.includes(' ') ? wordsOf(arg.slice(2)) : [arg.slice(2)]);
  }
  return lines;
}

/**
 * Reads `[file] [--parameter value …] …`, with the parameters of a redis.conf. Throws with what is wrong with the first that
 * makes no sense.
 */
export function readSettings(argv: readonly string[]): StartSettings {
  const file = argv[0] !== undefined && !argv[0].startsWith('--') ? argv[0] : undefined;
  const lines: string[][] = [];
  if (file !== undefined) {
    for (const line of readFileSync(file, 'latin1').split('\n')) {
      const words = wordsOf(line.trim());
      if (words.length > 0 && !words[0]!.startsWith('#')) lines.push(words);
    }
  }
  const values = new Map<string, string>();
  const users: string[] = [];
  for (const [name, ...words] of [...lines, ...linesOf(argv.slice(file === undefined ? 0 : 1))]) {
    if (name!.toLowerCase() === 'user') users.push(words.join(' '));
    else setValue(values, name!, words);
  }
  return { file, values, users };
}

function setValue(values: Map<string, string>, name: string, words: readonly string[]): void {
  const refuse = (problem: string): never => {
    throw new Error(`'${[name, ...words.map((word) => `"${word}"`)].join(' ')}': ${problem}`);
  };
  const parameter = parameterOf(name) ?? refuse('Bad directive or wrong number of arguments');
  const several = parameter.kind === 'numbers' || parameter.kind === 'other' || parameter.many || name === 'bind';
  if (words.length === 0 || (words.length > 1 && !several)) refuse('wrong number of arguments');
  const checked = check(parameter, words.join(' '));
  if ('problem' in checked) {
    refuse(checked.problem);
    return;
  }
  const before = parameter.name === 'save' ? values.get('save') : undefined;
  const more = before !== undefined && before !== '' && checked.value !== '';
  values.set(parameter.name, more ? `${before} ${checked.value}` : checked.value);
}
