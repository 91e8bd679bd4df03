/** Not yet in TypeScript's libraries: https://tc39.es/proposal-json-parse-with-source/ */
interface RawJson {
  rawJSON(text: string): unknown;
}

/** A `JSON.stringify` replacer that writes positions and big integers as number literals, with every digit. */
export function bigintLiterals(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? (JSON as typeof JSON & RawJson).rawJSON(value.toString()) : value;
}
