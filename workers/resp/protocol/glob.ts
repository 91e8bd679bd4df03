/** Whether text matches a glob-style pattern as Redis reads it (`* ? [a-z] [^x] \x`), case-sensitive unless told. */
export function matches(pattern: string, text: string, ignoreCase = false): boolean {
  if (pattern === '*') return true;
  return ignoreCase ? match(pattern.toLowerCase(), text.toLowerCase()) : match(pattern, text);
}

/** The same for the names of channels. Nothing but the empty pattern matches the empty one in Redis, which makes an exception for keys alone. */
export function matchesChannel(pattern: string, channel: string): boolean {
  return channel === '' ? pattern === '' : matches(pattern, channel);
}

/** As in Redis, which gives up on a pattern with more: nothing matches it. */
const STARS_MAX = 1000;

/** Iterative: only the last star needs to be remembered, so no pattern takes exponential time. */
function match(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let starText = 0;
  let stars = 0;
  while (t < text.length) {
    const one = p < pattern.length ? matchOne(pattern, p, text[t]!) : undefined;
    if (p < pattern.length && pattern[p] === '*') {
      while (pattern[p + 1] === '*') p++;
      star = p++;
      starText = t;
      if (p === pattern.length) return true;
      if (++stars > STARS_MAX) return false;
    } else if (one !== undefined && one > 0) {
      p = one;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++starText;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p >= pattern.length;
}

/** Where the pattern goes on after matching one character at `p`, or 0 when it does not match. */
function matchOne(pattern: string, p: number, char: string): number {
  switch (pattern[p]) {
    case '?':
      return p + 1;
    case '[':
      return matchClass(pattern, p + 1, char);
    case '\\':
      if (p + 1 < pattern.length) return pattern[p + 1] === char ? p + 2 : 0;
      return char === '\\' ? p + 1 : 0;
    default:
      return pattern[p] === char ? p + 1 : 0;
  }
}

function matchClass(pattern: string, start: number, char: string): number {
  let p = start;
  const negated = pattern[p] === '^';
  if (negated) p++;
  let found = false;
  for (; p < pattern.length && pattern[p] !== ']'; p++) {
    if (pattern[p] === '\\' && p + 1 < pattern.length) {
      p++;
      if (pattern[p] === char) found = true;
    } else if (pattern[p + 1] === '-' && p + 2 < pattern.length) {
      const [low, high] = [pattern[p]!, pattern[p + 2]!].toSorted();
      p += 2;
      if (char >= low! && char <= high!) found = true;
    } else if (pattern[p] === char) found = true;
  }
  // An unclosed class ends with the pattern, as in Redis.
  const after = p < pattern.length ? p + 1 : p;
  return found !== negated ? after : 0;
}
