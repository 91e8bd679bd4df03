import type { Reply } from '../protocol/reply.ts';
import { placesOfKeys } from './key-places.ts';
import type { PlaceOfKeys } from './key-places.ts';

/** Writes where the keys of a command are, as COMMAND INFO's key specifications. */
export function writeKeyPlaces(reply: Reply, fullName: string): void {
  const places = placesOfKeys(fullName);
  reply.set(places.length);
  for (const { flags, begin, find } of places) {
    reply.map(3);
    reply.bulk('flags');
    reply.set(flags.length);
    for (const flag of flags) reply.simple(flag);
    reply.bulk('begin_search');
    typed(reply, ...beginOf(begin));
    reply.bulk('find_keys');
    typed(reply, ...findOf(find));
  }
}

type Fields = Readonly<Record<string, string | number>>;

function beginOf(begin: PlaceOfKeys['begin']): [type: string, spec: Fields] {
  if (begin === undefined) return ['unknown', {}];
  if (typeof begin === 'number') return ['index', { index: begin }];
  return ['keyword', { keyword: begin.keyword, startfrom: begin.from }];
}

function findOf(find: PlaceOfKeys['find']): [type: string, spec: Fields] {
  if (find === undefined) return ['unknown', {}];
  if (find.type === 'range') return ['range', { lastkey: find.last, keystep: find.step, limit: find.limit }];
  return ['keynum', { keynumidx: find.index, firstkey: find.first, keystep: find.step }];
}

function typed(reply: Reply, type: string, spec: Fields): void {
  const fields = Object.entries(spec);
  reply.map(2);
  reply.bulk('type');
  reply.bulk(type);
  reply.bulk('spec');
  reply.map(fields.length);
  for (const [name, value] of fields) {
    reply.bulk(name);
    if (typeof value === 'string') reply.bulk(value);
    else reply.integer(value);
  }
}
