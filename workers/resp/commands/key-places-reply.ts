import type { Reply } from '../protocol/reply.ts';
import { placesOfKeys } from './key-places.ts';
import type { PlaceOfKeys } from './key-places.ts';

/** Remarks for people: what a place's flags can't say, by command; in the order of its places. */
const NOTES: ReadonlyMap<string, readonly string[]> = new Map([
  ['bitfield', ['Reads or changes the key, as its operations say.']],
  ['eval', ['A script may do anything with its keys.']],
  ['eval_ro', ['A script may read anything of its keys.']],
  ['fcall', ['A function may do anything with its keys.']],
  ['fcall_ro', ['A function may read anything of its keys.']],
  ['getex', ['Changes when the key expires.']],
  ['pfcount', ['May change how the key is encoded.']],
  ['set', ['Reads the key, too, with GET.']],
  ['sort', ['', 'BY and GET name keys by what the key contains.', 'STORE may stand anywhere among the options.']],
  ['sort_ro', ['', 'BY and GET name keys by what the key contains.']],
  ['xadd', ['Updates rather than inserts, since it may trim.']],
]);

/** Writes where the keys of a command are, as COMMAND INFO's key specifications. */
export function writeKeyPlaces(reply: Reply, fullName: string): void {
  const places = placesOfKeys(fullName);
  reply.set(places.length);
  const notes = NOTES.get(fullName) ?? [];
  for (const [i, { flags, begin, find }] of places.entries()) {
    const note = notes[i] ?? '';
    reply.map(note === '' ? 3 : 4);
    if (note !== '') {
      reply.bulk('notes');
      reply.bulk(note);
    }
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
