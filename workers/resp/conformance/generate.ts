import { libraries, scripts } from './scripts.ts';
import { payloads } from './payloads.ts';
import { templates } from './templates.ts';

/** Numbers from 0 to 1 that a seed determines (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Words an argument may be replaced by, to try what is not expected there. */
const STRANGE = [
  '',
  'abc',
  '-1',
  '0',
  '1.5',
  '1e400',
  'nan',
  '9223372036854775807',
  '-9223372036854775808',
  '\r\n',
  'LIMIT',
  '(',
  '\x00\xff',
];

/** Settings that change how values are kept, and so what commands work on; with what each run begins with. */
export const SETTINGS = {
  'hash-max-listpack-entries': '128',
  'hash-max-listpack-value': '64',
  'list-max-listpack-size': '-2',
  'set-max-intset-entries': '512',
  'zset-max-listpack-entries': '128',
  'stream-node-max-entries': '100',
} as const;
const SETTING_NAMES = Object.keys(SETTINGS);

/** Makes random requests from the templates, or from some of them. */
export function createGenerator(random: () => number, lines: readonly string[] = templates): () => string[] {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const below = (limit: number): number => Math.floor(random() * limit);
  /** How many IDs were made up for new entries, so that most of them grow. */
  let added = 0;
  const key = (type: string): string => {
    const known = type !== 'X' && random() < 0.06 ? pick(['S', 'H', 'L', 'T', 'Z', 'E']) : type;
    return `${known === 'K' ? pick(['S', 'H', 'L', 'T', 'Z', 'E']) : known}${below(4)}`;
  };
  const integer = (): string => {
    const chance = random();
    if (chance < 0.8) return String(below(12) - 4);
    if (chance < 0.95) return String(below(2000) - 500);
    return pick(['9223372036854775807', '-9223372036854775808', '4611686018427387904']);
  };
  // Multiples of a power of two, which every way of printing doubles shows alike.
  const float = (): string =>
    random() < 0.05 ? pick(['inf', '-inf', '1e3']) : String((below(800) - 400) / pick([1, 2, 8, 16]));
  const value = (): string => {
    const chance = random();
    if (chance < 0.3) return integer();
    if (chance < 0.4) return float();
    if (chance < 0.5) return String.fromCharCode(...Array.from({ length: below(20) }, () => below(256)));
    if (chance < 0.55) return pick(['x', 'ab', 'abcabc']).repeat(below(60));
    return pick(['a', 'b', 'foo', 'bar', 'foobar', 'hello world', 'Abc']);
  };
  const fill: Readonly<Record<string, () => string>> = {
    v: value,
    m: () => pick(['a', 'b', 'c', 'd', 'foo', 'bar', String(below(6)), `m${below(30)}`]),
    n: integer,
    c: () => String(below(40)),
    f: float,
    l: () =>
      pick([
        String(random() * 10 ** below(25)),
        `-0.${below(1e9)}`,
        `${below(1e6)}e${below(60) - 30}`,
        '1e400',
        '-1e400',
        '0x1.8p-3',
        '1e-4000',
        '3.0e3',
        '-0',
      ]),
    x: () => pick(['-inf', '+inf', `${below(40) - 10}`, `(${below(40) - 10}`, '(0', '0']),
    b: () => pick(['-', '+', `[${pick(['a', 'b', 'm', 'm2', 'foo'])}`, `(${pick(['a', 'c', 'm1', 'z'])}`]),
    p: () => pick(['*', 'S*', '[HL]?', 'm*', '?', '*o*', '[^a]*', 'x\\']),
    j: () =>
      random() < 0.01 ? '18446744073709551615-5' : `${Math.floor(added++ / 3)}-${pick(['*', '*', String(below(9))])}`,
    i: () => `${below(added / 3 + 2)}-${below(4)}`,
    e: () => pick(['-', '+', '-', '+', '0', `${below(added / 3)}-${below(4)}`, `(${below(added / 3)}`, '(5-0']),
    g: () => pick(['g', 'h']),
    y: () => `${(random() * 340 - 170).toFixed(6)} ${(random() * 160 - 80).toFixed(6)}`,
    o: () => `${(random() * 10).toFixed(6)} ${(40 + random() * 5).toFixed(6)}`,
    u: () => pick(['m', 'km', 'ft', 'mi', 'km', 'KM']),
    r: () => String(Math.floor(10 ** (random() * 5))),
    q: () => pick(scripts),
    a: () => pick(libraries),
    t: () => pick(payloads),
    k: () => pick(SETTING_NAMES),
    // Hardly ever the same twice: whether 1000 s from now is later than 1000 s from a moment ago is a matter of milliseconds.
    w: () => String(1000 + 10 * below(100_000)),
    d: () => pick(['0', '0', '0', '1', '2', '16']),
  };

  const expand = (template: string): string => {
    // Innermost brackets first, until none are left.
    let text = template;
    while (text.includes('[')) {
      text = text.replace(/\[([^[\]]*)\]/, (_, inner: string) => (random() < 0.5 ? inner : ''));
    }
    return text;
  };
  const wordOf = (word: string): string =>
    pick(word.split('|')).replace(/\{(\w)\}/g, (_, kind: string) => fill[kind]?.() ?? key(kind));

  return () => {
    const words = expand(pick(lines))
      .split(' ')
      .filter((word) => word !== '')
      .flatMap((word) => (/^\{[yo]\}$/.test(word) ? fill[word[1]!]!().split(' ') : [wordOf(word)]));
    // A timeout of nought would wait for ever, and so would all behind a long pause, SPOP of a few members would pick others on each side, 7.2 refuses what 7.0
    // lets XSETID do, and places under a key that is read by names would leave the order open.
    // Settings are C strings to Redis, versions of LOLWUT have arguments of their own, and DEBUG does as it is told.
    // Ranges by name of members with other scores than one are left open.
    // What is wrong with BITCOUNT's and BITPOS's arguments 7.0 tells only where there is a key, after it was looked up.
    // 7.0 has given a connection its name by the time it refuses the rest of HELLO.
    // Small ids are those of the connections here, which have others on each side.
    // 7.0 takes a selector inside a selector for none, and Redis lets PFMERGE of one key pass whatever its name.
    const blocking =
      /^b(?:l|r|z)|^bit(?:count|pos)|^spop|^xread|^xsetid|^pfmerge|^geoadd|^geosearchstore|^georadius|^config|^debug|^lolwut|^hello/i.test(
        words[0]!,
      ) ||
      words.includes('(+@all') ||
      /^(?:PAUSE|KILL|UNBLOCK)$/.test(words[1] ?? '') ||
      /^X\d$/.test(words[1] ?? '');
    if (random() < 0.04 && words.length > 1 && !blocking) words[1 + below(words.length - 1)] = pick(STRANGE);
    if (random() < 0.01 && !blocking && words.length > 1) words.pop();
    if (random() < 0.01 && !blocking) words.push(value());
    if (random() < 0.1) words[0] = words[0]!.toLowerCase();
    // WITHSCORE is of 7.2, and the reference is 7.0.
    if (/^z(?:rev)?rank$/i.test(words[0]!)) words.length = Math.min(words.length, 3);
    // 7.2 refuses the one rank whose opposite does not fit 64 bits, and 7.0 looks the key up.
    if (/^lpos$/i.test(words[0]!)) return words.map((word) => (word === '-9223372036854775808' ? '-1' : word));
    return words.length === 0 ? ['PING'] : words;
  };
}
