import { hash } from 'node:crypto';
import { splitWords } from '../protocol/inline.ts';
import { isStraight } from './straight.ts';

/** A script as it is kept. */
export interface Script {
  readonly sha: string;
  /** What is compiled: a shebang line is left out of it, but not its end, so that line numbers stay. */
  readonly body: string;
  /** The length of the script as it was given. */
  readonly bytes: number;
  /** It ends soon, whatever it is given. */
  readonly straight: boolean;
  /** Absent for scripts without a shebang line. */
  readonly flags: ReadonlySet<string> | undefined;
}

/** What a script or function can say of itself, in the order in which Redis shows it. */
export const SCRIPT_FLAGS: readonly string[] = [
  'no-writes',
  'allow-oom',
  'allow-stale',
  'no-cluster',
  'allow-cross-slot-keys',
];

/** The code a tenant can have compiled: that is one call that can't be interrupted, and this much takes some 10 ms. */
const TENANT_CODE_MAX = 262_144;

/** Why code is not compiled, as an error line. */
export function codeRefusal(code: string, standalone: boolean): string | undefined {
  if (standalone || code.length <= TENANT_CODE_MAX) return undefined;
  return `ERR The script is longer than the ${TENANT_CODE_MAX} bytes allowed here; make it shorter or split it.`;
}

/** The digest by which a script is known. */
export function digestOf(source: string): string {
  return hash('sha1', Buffer.from(source, 'latin1'));
}

/** Reads a script's shebang line, if it has one. Returns the error line when it is wrong. */
export function parseScript(source: string, sha: string): Script | string {
  if (!source.startsWith('#!')) return withBody(sha, source, source.length, undefined);
  const end = source.indexOf('\n');
  if (end < 0) return 'ERR Invalid script shebang';
  const parts = splitWords(source.slice(0, end));
  if (parts === undefined || parts.length === 0) return 'ERR Invalid engine in script shebang';
  if (parts[0] !== '#!lua') return `ERR Unexpected engine in script shebang: ${parts[0]}`;
  const flags = new Set<string>();
  for (const option of parts.slice(1)) {
    if (!option.startsWith('flags=')) return `ERR Unknown lua shebang option: ${option}`;
    const names = option.slice('flags='.length);
    for (const flag of names === '' ? [] : names.split(',')) {
      if (!SCRIPT_FLAGS.includes(flag)) return `ERR Unexpected flag in script shebang: ${flag}`;
      flags.add(flag);
    }
  }
  return withBody(sha, source.slice(end), source.length, flags);
}

function withBody(sha: string, body: string, bytes: number, flags: ReadonlySet<string> | undefined): Script {
  return { sha, body, bytes, straight: isStraight(body), flags };
}

/** A library's shebang line. */
export interface LibraryHead {
  readonly name: string;
  readonly engine: string;
  readonly body: string;
}

/** Reads the first line of a library, `#!<engine> name=<name>`. Returns the error line when it is wrong. */
export function parseLibrary(code: string): LibraryHead | string {
  if (!code.startsWith('#!')) return 'ERR Missing library metadata';
  const end = code.indexOf('\n');
  const parts = end < 0 ? undefined : splitWords(code.slice(0, end));
  if (parts === undefined || parts.length === 0) return 'ERR Invalid library metadata';
  let name: string | undefined;
  for (const part of parts.slice(1)) {
    if (!part.toLowerCase().startsWith('name=')) return `ERR Invalid metadata value given: ${part}`;
    if (name !== undefined) return 'ERR Invalid metadata value, name argument was given multiple times';
    name = part.slice('name='.length);
  }
  if (name === undefined) return 'ERR Library name was not given';
  return { name, engine: parts[0]!.slice(2), body: code.slice(end) };
}

/** Whether a library or function may have this name. */
export function isFunctionName(name: string): boolean {
  return /^\w+$/.test(name);
}
