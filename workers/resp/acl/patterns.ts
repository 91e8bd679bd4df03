import { matches } from '../protocol/glob.ts';

/** Patterns in the form in which it is found soonest whether one of them matches: most are words, or beginnings of words. */
interface PatternIndex {
  readonly words: ReadonlySet<string>;
  /** What comes before the star of those that have no other one, by length. */
  readonly beginnings: ReadonlyMap<number, ReadonlyMap<string, string>>;
  readonly others: readonly string[];
}

/** By the collection that the patterns are in, which nobody changes any more once it is asked. */
const indexes = new WeakMap<object, PatternIndex>();

function indexOf(globs: ReadonlyMap<string, unknown>): PatternIndex {
  const known = indexes.get(globs);
  if (known !== undefined) return known;
  const words = new Set<string>();
  const beginnings = new Map<number, Map<string, string>>();
  const others: string[] = [];
  for (const glob of globs.keys()) {
    const special = glob.search(/[*?[\\]/);
    if (special < 0) words.add(glob);
    else if (special === glob.length - 1 && glob.endsWith('*')) {
      const sameLength = beginnings.get(special) ?? new Map<string, string>();
      beginnings.set(special, sameLength.set(glob.slice(0, -1), glob));
    } else others.push(glob);
  }
  const index = { words, beginnings, others };
  indexes.set(globs, index);
  return index;
}

/** Whether a pattern for which `counts` says so matches a text. The patterns are those that the map has as keys. */
export function anyMatches<T>(globs: ReadonlyMap<string, T>, text: string, counts: (of: T) => boolean): boolean {
  const { words, beginnings, others } = indexOf(globs);
  const does = (glob: string | undefined): boolean => glob !== undefined && counts(globs.get(glob)!);
  if (words.has(text) && does(text)) return true;
  for (const [length, ofLength] of beginnings) {
    if (text.length >= length && does(ofLength.get(text.slice(0, length)))) return true;
  }
  return others.some((glob) => does(glob) && matches(glob, text));
}
