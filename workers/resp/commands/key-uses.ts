import { isInteger } from '../protocol/numbers.ts';
import { keyPositions } from './command.ts';
import type { Command } from './command.ts';
import { placesOfKeys } from './key-places.ts';
import type { PlaceOfKeys } from './key-places.ts';

/** One key of a request, by its position, and what is done with it (RO, RW, access, update …). */
export interface KeyUse {
  readonly at: number;
  readonly flags: readonly string[];
}

const SET_PLAIN = ['OW', 'update'];
const SET_GET = ['RW', 'access', 'update'];
const FIELDS_READ = ['RO', 'access'];

/** What a request does with its key when that depends on its other arguments. */
const VARIABLE: Readonly<Record<string, (args: readonly string[]) => readonly string[]>> = {
  set: (args) => (args.slice(3).some((arg) => arg.toUpperCase() === 'GET') ? SET_GET : SET_PLAIN),
  bitfield: (args) => (onlyGets(args) ? FIELDS_READ : SET_GET),
};

function onlyGets(args: readonly string[]): boolean {
  for (let i = 2; i < args.length;) {
    const word = args[i]!.toUpperCase();
    if (word === 'GET' && i + 2 < args.length) i += 3;
    else if (word === 'OVERFLOW' && i + 1 < args.length) i += 2;
    else return false;
  }
  return true;
}

/** The keys of a request with what is done to each; `args` fit the command's arity. */
export function keyUses(command: Command, args: readonly string[]): KeyUse[] {
  const places = placesOfKeys(command.fullName);
  if (places.some(({ flags }) => flags.includes('not_key'))) return [];
  const vague = places.some(({ begin, find, flags }) => !begin || !find || flags.includes('incomplete'));
  if (places.length > 0 && !vague) {
    const found = places.map((place) => inPlace(command, place, args));
    const counted = places.findIndex(({ find }) => find?.type === 'keynum');
    if (counted < 0) return found.flat();
    // With a count that makes no sense nothing is known, not even the destination.
    if (found[counted]!.length === 0) return [];
    // With one that is no whole number Redis finds the keys by code of the command's own, which puts those counted first and says nothing of their use.
    if (isInteger(args[countAt(places[counted]!)] ?? '')) return found.flat();
    return [found[counted]!, ...found.filter((_, i) => i !== counted)].flat().map(({ at }) => ({ at, flags: [] }));
  }
  const fallback = [command.write ? 'RW' : 'RO', 'access', ...(command.write ? ['update'] : [])];
  return keyPositions(command.spec, args).map((at, i) => {
    // The first key is what the command is about, and those of its options are stored to.
    const known = i === 0 || places.every(({ find }) => find !== undefined);
    const flags =
      places.length === 0
        ? fallback
        : known
          ? (places[i] ?? places.at(-1)!).flags.filter((flag) => flag !== 'incomplete')
          : SET_PLAIN;
    return { at, flags };
  });
}

/** Where the number of keys of a place is. */
function countAt({ begin, find }: PlaceOfKeys): number {
  return find?.type === 'keynum' && typeof begin === 'number' ? begin + find.index : -1;
}

function inPlace(command: Command, place: PlaceOfKeys, args: readonly string[]): KeyUse[] {
  const { begin, find } = place;
  const first = typeof begin === 'number' ? begin : begin === undefined ? -1 : afterKeyword(begin, args);
  if (first < 0 || first >= args.length || find === undefined) return [];
  const flags = place.flags.includes('variable_flags') ? VARIABLE[command.fullName]!(args) : place.flags;
  const found: KeyUse[] = [];
  if (find.type === 'keynum') {
    // As atoi reads it.
    const count = Number.parseInt(args[first + find.index] ?? '', 10);
    const start = first + find.first;
    if (!Number.isInteger(count) || count < 1 || start + (count - 1) * find.step >= args.length) return [];
    for (let i = 0; i < count; i++) found.push({ at: start + i * find.step, flags });
    return found;
  }
  // With a limit only a part of what is left are keys: in XREAD as many ids follow.
  const left = args.length - first;
  const end = first + (find.limit > 1 ? Math.floor(left / find.limit) : left);
  const last = find.last >= 0 ? first + find.last : end + find.last;
  for (let at = first; at <= last && at < args.length; at += find.step) found.push({ at, flags });
  return found;
}

function afterKeyword({ keyword, from }: { keyword: string; from: number }, args: readonly string[]): number {
  if (from >= 0) {
    for (let at = from; at < args.length - 1; at++) if (args[at]!.toUpperCase() === keyword) return at + 1;
    return -1;
  }
  for (let at = args.length + from; at > 0; at--) if (args[at]!.toUpperCase() === keyword) return at + 1;
  return -1;
}
