import type { Reply } from '../protocol/reply.ts';
import { ARGUMENT_LINES } from './argument-lines.ts';

/** One argument of a command, as COMMAND DOCS describes it. */
interface Argument {
  readonly name: string;
  readonly type: string;
  readonly shown: string;
  readonly keySpec: number | undefined;
  readonly token: string | undefined;
  readonly since: string | undefined;
  readonly deprecated: string | undefined;
  readonly flags: readonly string[];
  /** The parts of a oneof or a block. */
  readonly parts: readonly Argument[] | undefined;
}

const TYPES: Readonly<Record<string, string>> = {
  k: 'key',
  s: 'string',
  i: 'integer',
  d: 'double',
  t: 'unix-time',
  p: 'pattern',
  x: 'pure-token',
  o: 'oneof',
  b: 'block',
};
const FLAGS = [
  ['?', 'optional'],
  ['*', 'multiple'],
  ['+', 'multiple_token'],
] as const;

let texts: ReadonlyMap<string, string> | undefined;

/** Where the lines are is found when they are first asked for, and each is read when it is. */
function textOf(fullName: string): string | undefined {
  if (texts === undefined) {
    const found = new Map<string, string>();
    for (const line of ARGUMENT_LINES.trim().split('\n')) {
      const at = line.indexOf(' = ');
      for (const name of line.slice(0, at).split(' ')) found.set(name, line.slice(at + 3));
    }
    texts = found;
  }
  return texts.get(fullName);
}

function parse(words: string[]): Argument[] {
  const found: Argument[] = [];
  for (let word = words.shift(); word !== undefined && word !== ')'; word = words.shift()) {
    const inner = words[0] === '(';
    if (inner) words.shift();
    found.push(argument(word, inner ? parse(words) : undefined));
  }
  return found;
}

function argument(word: string, parts: Argument[] | undefined): Argument {
  const [head, ...traits] = word.split('|');
  const name = head!.slice(2);
  const trait = (mark: string): string | undefined => traits.find((text) => text.startsWith(mark))?.slice(1);
  const marks = traits.find((text) => /^[?*+]+$/.test(text)) ?? '';
  const token = trait('@');
  const keySpec = trait('#');
  return {
    name,
    type: TYPES[head![0]!]!,
    shown: trait('=') ?? name,
    keySpec: keySpec === undefined ? undefined : Number(keySpec),
    token: token === '' ? name.toUpperCase() : token === '""' ? '' : token,
    since: trait('^'),
    deprecated: trait('!'),
    flags: FLAGS.filter(([mark]) => marks.includes(mark)).map(([, flag]) => flag),
    parts,
  };
}

/** Whether anything is known of a command's arguments. */
export function hasArguments(fullName: string): boolean {
  return textOf(fullName) !== undefined;
}

/** Writes the arguments of a command as COMMAND DOCS does. */
export function writeArguments(reply: Reply, fullName: string): void {
  writeAll(reply, parse((textOf(fullName) ?? '').split(' ')));
}

function writeAll(reply: Reply, found: readonly Argument[]): void {
  reply.array(found.length);
  for (const one of found) write(reply, one);
}

function write(reply: Reply, { name, type, shown, keySpec, token, since, deprecated, flags, parts }: Argument): void {
  const texts: [string, string | undefined][] = [
    ['name', name],
    ['type', type],
    ['display_text', parts === undefined ? shown : undefined],
  ];
  const more: [string, string | undefined][] = [
    ['token', token],
    ['since', since],
    ['deprecated_since', deprecated],
  ];
  const given = [...texts, ...more].filter(([, text]) => text !== undefined).length;
  const rest = [keySpec, parts].filter((field) => field !== undefined).length + (flags.length > 0 ? 1 : 0);
  const writeTexts = (pairs: readonly [string, string | undefined][]): void => {
    for (const [field, text] of pairs)
      if (text !== undefined) {
        reply.bulk(field);
        reply.bulk(text);
      }
  };
  reply.map(given + rest);
  writeTexts(texts);
  if (keySpec !== undefined) {
    reply.bulk('key_spec_index');
    reply.integer(keySpec);
  }
  writeTexts(more);
  if (flags.length > 0) {
    reply.bulk('flags');
    reply.set(flags.length);
    for (const flag of flags) reply.simple(flag);
  }
  if (parts === undefined) return;
  reply.bulk('arguments');
  writeAll(reply, parts);
}
