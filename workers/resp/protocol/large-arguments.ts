import type { LargeString } from '../keyspace/large-string.ts';

/** Values of requests that are too large to be texts, by request and place. In the request itself they are empty. */
const values = new WeakMap<readonly string[], Map<number, LargeString>>();
/** The request with such values that was read last. */
export const withLarge: { latest: readonly string[] | undefined } = { latest: undefined };

/** From this length on a value comes in chunks: V8 would keep a text of it apart from all others. */
export const LARGE_VALUE = 131_072;

/** Of commands that take values in chunks: the place of the first, and how many places further the next is. */
const PLACES: Readonly<Record<string, readonly [first: number, step: number]>> = {
  SET: [2, Infinity],
  SETNX: [2, Infinity],
  GETSET: [2, Infinity],
  SETEX: [3, Infinity],
  PSETEX: [3, Infinity],
  MSET: [2, 2],
  MSETNX: [2, 2],
};

/** Whether a value at a place of a command's request may come in chunks. */
export function takesLarge(name: string, place: number): boolean {
  const [first, step] = (name.length <= 6 ? PLACES[name.toUpperCase()] : undefined) ?? [Infinity, 1];
  return place >= first && (place - first) % step === 0;
}

/** Gives a request a value in the place of an empty argument. */
export function setLarge(args: readonly string[], place: number, value: LargeString): void {
  const known = values.get(args);
  if (known === undefined) values.set(args, new Map([[place, value]]));
  else known.set(place, value);
}

/** The value at a place of a request whose argument there is empty; undefined when it really is. */
export function largeAt(args: readonly string[], place: number): LargeString | undefined {
  return values.get(args)?.get(place);
}

/** The argument at a place of a request, as a value that can be kept. */
export function valueAt(args: readonly string[], place: number): string | LargeString {
  const text = args[place]!;
  return text === '' ? (largeAt(args, place) ?? text) : text;
}

/** Another request, with the value that a first one has at a place at one of its own. */
export function carryOver(
  from: readonly string[],
  fromPlace: number,
  to: readonly string[],
  place: number,
): readonly string[] {
  const value = from[fromPlace] === '' ? largeAt(from, fromPlace) : undefined;
  if (value !== undefined) values.set(to, new Map([[place, value]]));
  return to;
}

/** A request with all values as texts, for whoever knows nothing of chunks. */
export function spelledOut(args: readonly string[]): readonly string[] {
  const large = values.get(args);
  return large === undefined ? args : args.map((arg, place) => large.get(place)?.toString() ?? arg);
}

/** Lets go of the values of a request that was carried out: who wants to keep them holds them. */
export function doneWithLarge(args: readonly string[]): void {
  for (const value of values.get(args)?.values() ?? []) value.letGo();
}
