import { parseDouble, parseInteger } from '../protocol/numbers.ts';
import type { Parameter } from './catalogue.ts';

/** A value in its normal form, or what is wrong with it, in Redis's words. */
export type Checked = { readonly value: string } | { readonly problem: string };

const problem = (text: string): Checked => ({ problem: text });
const fine = (value: string | bigint | number): Checked => ({ value: String(value) });

const UNITS: Readonly<Record<string, bigint>> = {
  '': 1n,
  b: 1n,
  k: 1000n,
  kb: 1024n,
  m: 1_000_000n,
  mb: 1024n ** 2n,
  g: 1_000_000_000n,
  gb: 1024n ** 3n,
};

/** Bytes written as Redis's configuration allows (`100mb`, `1g`, …); undefined when it is no size. */
function parseBytes(text: string): bigint | undefined {
  const match = /^(\d+)([a-z]*)$/i.exec(text);
  const unit = UNITS[match?.[2]?.toLowerCase() ?? '?'];
  return match === null || unit === undefined ? undefined : BigInt(match[1]!) * unit;
}

/** The same as a number. */
export function parseMemory(text: string): number | undefined {
  const bytes = parseBytes(text);
  return bytes === undefined ? undefined : Number(bytes);
}

function inRange({ min, max, kind }: Parameter, value: bigint): Checked {
  const show = (bound: bigint): string => (kind === 'octal' ? bound.toString(8) : String(bound));
  if (value >= min && value <= max) return fine(kind === 'octal' ? value.toString(8) : value);
  return problem(`argument must be between ${show(min)} and ${show(max)} inclusive`);
}

/** The memory of all clients may be a part of what the data may take. */
function memory(parameter: Parameter, text: string): Checked {
  const percent = parameter.name === 'maxmemory-clients';
  if (percent && /^\d+%$/.test(text)) {
    const part = Number(text.slice(0, -1));
    return part <= 100 ? fine(`${part}%`) : problem('percentage argument must be less or equal to 100');
  }
  const bytes = parseBytes(text);
  if (bytes === undefined) return problem(`argument must be a memory ${percent ? 'or percent ' : ''}value`);
  return inRange(parameter, bytes);
}

function words({ choices, many }: Parameter, text: string): Checked {
  const given = many ? text.toLowerCase().split(' ') : [text.toLowerCase()];
  if (!given.every((word) => choices.includes(word))) {
    return problem(`argument(s) must be one of the following: ${choices.join(', ')}`);
  }
  if (given.includes('save') && given.includes('nosave')) {
    return problem("shutdown options SAVE and NOSAVE can't be used simultaneously");
  }
  return fine(choices.filter((word) => given.includes(word)).join(' '));
}

const LISTS: Readonly<Record<string, (values: readonly string[]) => string | undefined>> = {
  save: (values) =>
    values.length % 2 === 0 && values.every((value, i) => /^\d+$/.test(value) && (i % 2 === 1 || Number(value) >= 1))
      ? undefined
      : 'Invalid save parameters',
  'oom-score-adj-values': (values) => {
    if (values.length !== 3) return 'wrong number of arguments';
    const good = values.every((value) => /^-?\d+$/.test(value) && Math.abs(Number(value)) <= 2000);
    return good ? undefined : 'Invalid oom-score-adj-values, elements must be between -2000 and 2000.';
  },
  'latency-tracking-info-percentiles': (values) => {
    const numbers = values.map((value) => parseDouble(value));
    if (numbers.includes(undefined)) return 'Invalid latency-tracking-info-percentiles parameters';
    const good = numbers.every((value) => value! >= 0 && value! <= 100);
    return good ? undefined : 'latency-tracking-info-percentiles parameters should sit between [0.0,100.0]';
  },
};

function numbers({ name }: Parameter, text: string): Checked {
  const values = text === '' ? [] : text.split(' ');
  const wrong = LISTS[name]!(values);
  return wrong === undefined ? fine(values.map(Number).join(' ')) : problem(wrong);
}

/** Parameters that name a file within a folder. */
const FILE_NAMES = new Set(['dbfilename', 'appendfilename', 'appenddirname']);

/** Reads a value given for a parameter. */
export function check(parameter: Parameter, text: string): Checked {
  switch (parameter.kind) {
    case 'yesno':
      if (!/^(?:yes|no)$/i.test(text)) return problem("argument must be 'yes' or 'no'");
      if (parameter.name === 'activedefrag' && text.toLowerCase() === 'yes') {
        return problem(
          'Active defragmentation cannot be enabled: it requires a Redis server compiled with a modified Jemalloc like the one shipped by default with the Redis source distribution',
        );
      }
      return fine(text.toLowerCase());
    case 'enum':
      return words(parameter, text);
    case 'integer':
      if (parseInteger(text) === undefined) return problem("argument couldn't be parsed into an integer");
      return inRange(parameter, BigInt(text));
    case 'memory':
      return memory(parameter, text);
    case 'octal':
      if (!/^[0-7]+$/.test(text)) return problem("argument couldn't be parsed as an octal number");
      return inRange(parameter, BigInt(Number.parseInt(text, 8)));
    case 'numbers':
      return numbers(parameter, text);
    case 'text':
      return FILE_NAMES.has(parameter.name) && text.includes('/')
        ? problem(`${parameter.name} can't be a path, just a filename`)
        : fine(text);
    case 'other':
      return fine(text);
  }
}
