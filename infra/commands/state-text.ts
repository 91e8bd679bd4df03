import { isDeepStrictEqual } from 'node:util';

/** What JSON has no form for, and states may hold, is the only thing in an object under one of these names. */
const tags = ['$bigint', '$map', '$set'] as const;

/** A state as text of JSON; null when it holds something that would not come back as it was. */
export function textOfState(state: unknown): string | null {
  let mistakable = false;
  const text = JSON.stringify(state, (_key, value: unknown) => {
    if (typeof value === 'bigint') return { $bigint: String(value) };
    if (value instanceof Map) return { $map: [...(value as Map<unknown, unknown>)] };
    if (value instanceof Set) return { $set: [...(value as Set<unknown>)] };
    if (typeof value === 'object' && value !== null) mistakable ||= tags.some((tag) => Object.hasOwn(value, tag));
    return value;
  });
  if (mistakable || typeof text !== 'string') return null;
  // JSON drops or changes the rest without a word, so look.
  return isDeepStrictEqual(stateOfText(text), state) ? text : null;
}

/** The state that was made a text of. Throws a SyntaxError or TypeError for another text. */
export function stateOfText(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value;
    if ('$bigint' in value) return BigInt(String(value.$bigint));
    if ('$map' in value) return new Map(value.$map as [unknown, unknown][]);
    if ('$set' in value) return new Set(value.$set as unknown[]);
    return value;
  });
}
