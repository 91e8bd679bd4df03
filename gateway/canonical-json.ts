/**
 * The same text for the same JSON value, whatever the order of its members was, so that a repeated request can be told
 * from one that reuses its `Idempotency-Key` for something else. `undefined` (no body) is the empty text.
 */
export function canonicalJson(value: unknown): string {
  if (value === undefined) return '';
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([left], [right]) => (left < right ? -1 : 1)))
      : part,
  );
}
