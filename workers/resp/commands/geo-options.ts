import type { Client } from '../clients/server.ts';
import type { ZSetValue } from '../keyspace/zset-value.ts';
import { SYNTAX } from '../protocol/errors.ts';
import { doubleArg, integerArg } from './arguments.ts';
import { placeArg, unitArg } from './geo-arguments.ts';
import { placeOf } from './geo-cell.ts';
import type { Place, Shape } from './geo-cell.ts';

/** What is searched for, and what is done with what is found. */
export interface SearchOptions {
  centre: Place | undefined;
  /** In the unit given. */
  by: Shape['by'] | undefined;
  /** Metres. */
  unit: number;
  /** FROMMEMBER was given, for a key that does not exist. */
  fromNothing: boolean;
  count: number;
  any: boolean;
  order: 'ASC' | 'DESC' | undefined;
  store: string | undefined;
  storeDistance: boolean;
  withDistance: boolean;
  withHash: boolean;
  withPlace: boolean;
}

/** Which options there are: those of GEOSEARCH(STORE), or of GEORADIUS with or without storing. */
export type Form = 'search' | 'searchstore' | 'radius' | 'radius-ro';

/** Options as they are before any was read. */
export function noOptions(store?: string): SearchOptions {
  return {
    centre: undefined,
    by: undefined,
    unit: 1,
    fromNothing: false,
    count: 0,
    any: false,
    order: undefined,
    store,
    storeDistance: false,
    withDistance: false,
    withHash: false,
    withPlace: false,
  };
}

/** The place of a member; undefined when it has none (the error was sent). */
export function memberPlace(client: Client, zset: ZSetValue, member: string): Place | undefined {
  const score = zset.score(member);
  if (score !== undefined) return placeOf(score);
  client.reply.error('ERR could not decode requested zset member');
  return undefined;
}

/** Reads a radius and its unit into the options; false when they are wrong (the error was sent). */
export function readRadius(client: Client, options: SearchOptions, text: string, unit: string): boolean {
  const radius = doubleArg(client, text, 'ERR need numeric radius');
  if (radius === undefined) return false;
  if (radius < 0) {
    client.reply.error('ERR radius cannot be negative');
    return false;
  }
  return setShape(client, options, { radius }, unit);
}

function readBox(client: Client, options: SearchOptions, words: readonly string[]): boolean {
  const width = doubleArg(client, words[0]!, 'ERR need numeric width');
  if (width === undefined) return false;
  const height = doubleArg(client, words[1]!, 'ERR need numeric height');
  if (height === undefined) return false;
  if (width < 0 || height < 0) {
    client.reply.error('ERR height or width cannot be negative');
    return false;
  }
  return setShape(client, options, { width, height }, words[2]!);
}

function setShape(client: Client, options: SearchOptions, by: Shape['by'], unitText: string): boolean {
  const unit = unitArg(client, unitText);
  if (unit === undefined) return false;
  options.unit = unit;
  options.by = by;
  return true;
}

/** Reads a flag; false when the word is none. */
function readFlag(options: SearchOptions, word: string, form: Form): boolean {
  if (word === 'WITHDIST') options.withDistance = true;
  else if (word === 'WITHHASH') options.withHash = true;
  else if (word === 'WITHCOORD') options.withPlace = true;
  else if (word === 'ANY') options.any = true;
  else if (word === 'ASC' || word === 'DESC') options.order = word;
  else if (word === 'STOREDIST' && form === 'searchstore') options.storeDistance = true;
  else return false;
  return true;
}

/** Reads where or what GEOSEARCH searches: how many words follow, 0 when it is none of that; undefined when it is wrong. */
function readShape(
  client: Client,
  zset: ZSetValue | undefined,
  options: SearchOptions,
  word: string,
  rest: readonly string[],
  given: Set<string>,
): number | undefined {
  if (word === 'FROMMEMBER' && rest.length >= 1 && !given.has('FROMLONLAT')) {
    given.add(word);
    if (zset === undefined) options.fromNothing = true;
    else options.centre = memberPlace(client, zset, rest[0]!);
    return zset === undefined || options.centre !== undefined ? 1 : undefined;
  }
  if (word === 'FROMLONLAT' && rest.length >= 2 && !given.has('FROMMEMBER')) {
    given.add(word);
    options.centre = placeArg(client, rest[0]!, rest[1]!);
    return options.centre === undefined ? undefined : 2;
  }
  if (word === 'BYRADIUS' && rest.length >= 2 && !given.has('BYBOX')) {
    given.add(word);
    return readRadius(client, options, rest[0]!, rest[1]!) ? 2 : undefined;
  }
  if (word === 'BYBOX' && rest.length >= 3 && !given.has('BYRADIUS')) {
    given.add(word);
    return readBox(client, options, rest) ? 3 : undefined;
  }
  return 0;
}

/** Reads COUNT; undefined when it is wrong (the error was sent). */
function readCount(client: Client, options: SearchOptions, text: string): number | undefined {
  const count = integerArg(client, text);
  if (count === undefined) return undefined;
  options.count = count;
  if (count > 0) return 1;
  client.reply.error('ERR COUNT must be > 0');
  return undefined;
}

/** Reads the options from `from` on; false when they are wrong (the error was sent). */
export function readOptions(
  client: Client,
  args: readonly string[],
  from: number,
  zset: ZSetValue | undefined,
  options: SearchOptions,
  form: Form,
): boolean {
  const given = new Set<string>();
  for (let at = from; at < args.length; at++) {
    const word = args[at]!.toUpperCase();
    if (readFlag(options, word, form)) continue;
    let taken: number | undefined = 0;
    if (word === 'COUNT' && at + 1 < args.length) taken = readCount(client, options, args[at + 1]!);
    else if (form === 'radius' && (word === 'STORE' || word === 'STOREDIST') && at + 1 < args.length) {
      options.store = args[at + 1]!;
      options.storeDistance = word === 'STOREDIST';
      taken = 1;
    } else if (form.startsWith('search')) taken = readShape(client, zset, options, word, args.slice(at + 1), given);
    if (taken === undefined) return false;
    if (taken === 0) {
      client.reply.error(SYNTAX);
      return false;
    }
    at += taken;
  }
  const conflict = conflictOf(args[0]!, options, form);
  if (conflict !== undefined) client.reply.error(conflict);
  return conflict === undefined;
}

function conflictOf(name: string, options: SearchOptions, form: Form): string | undefined {
  const { store, withDistance, withHash, withPlace, centre, fromNothing, by, any, count } = options;
  if (store !== undefined && (withDistance || withHash || withPlace)) {
    const what = form === 'searchstore' ? 'GEOSEARCHSTORE' : 'STORE option in GEORADIUS';
    return `ERR ${what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`;
  }
  if (form.startsWith('search')) {
    const either = 'ERR exactly one of';
    if (centre === undefined && !fromNothing) return `${either} FROMMEMBER or FROMLONLAT can be specified for ${name}`;
    if (by === undefined) return `${either} BYRADIUS and BYBOX can be specified for ${name}`;
  }
  return any && count === 0 ? 'ERR the ANY argument requires COUNT argument' : undefined;
}
