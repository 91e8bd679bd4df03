import { JsonError } from './cjson-encode.ts';
import type { JsonSettings } from './cjson-encode.ts';
import type { Lua } from './lua.ts';
import { Pace } from './pieces.ts';

type Token =
  | { readonly type: 'T_STRING' | 'T_ERROR'; readonly at: number; readonly text: string }
  | { readonly type: 'T_NUMBER'; readonly at: number; readonly value: number }
  | { readonly type: 'T_BOOLEAN'; readonly at: number; readonly truth: boolean }
  | { readonly type: Punctuation | 'T_NULL' | 'T_END'; readonly at: number };
type Punctuation = 'T_OBJ_BEGIN' | 'T_OBJ_END' | 'T_ARR_BEGIN' | 'T_ARR_END' | 'T_COLON' | 'T_COMMA';

const PUNCTUATION: Readonly<Record<string, Punctuation>> = {
  '{': 'T_OBJ_BEGIN',
  '}': 'T_OBJ_END',
  '[': 'T_ARR_BEGIN',
  ']': 'T_ARR_END',
  ':': 'T_COLON',
  ',': 'T_COMMA',
};
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};
/** What C's strtod takes. */
const NUMBER = /[-+]?(?:0x[0-9a-f]+|inf(?:inity)?|nan|(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)/iy;
/** What JSON does not allow but strtod takes. */
const INVALID_NUMBER = /\+|-?(?:0[x\d]|inf|nan)/iy;

function toNumber(text: string): number {
  const sign = text.startsWith('-') ? -1 : 1;
  const digits = text.replace(/^[-+]/, '').toLowerCase();
  if (digits.startsWith('inf')) return sign * Infinity;
  if (digits === 'nan') return Number.NaN;
  return sign * Number(digits);
}

/** Decodes JSON as lua-cjson does and pushes the value. Throws a JsonError. */
export function* decodeJson(lua: Lua, L: number, text: string, settings: JsonSettings): Generator<void> {
  const { api } = lua;
  let at = 0;
  let depth = 0;
  const pace = new Pace();

  const matches = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  const next = (): Token => {
    while (at < text.length && ' \t\n\r'.includes(text[at]!)) at++;
    const start = at;
    if (at >= text.length) return { type: 'T_END', at };
    const char = text[at]!;
    const mark = PUNCTUATION[char];
    if (mark !== undefined) {
      at++;
      return { type: mark, at: start };
    }
    if (char === '"') return string(start);
    const invalid = (): boolean => matches(INVALID_NUMBER) !== undefined;
    if (char === '-' || (char >= '0' && char <= '9')) {
      if (!settings.decodeInvalidNumbers && invalid()) return { type: 'T_ERROR', at, text: 'invalid number' };
      return numeric(start);
    }
    for (const [word, token] of WORDS) {
      if (!text.startsWith(word, at)) continue;
      at += word.length;
      return { ...token, at: start };
    }
    if (settings.decodeInvalidNumbers && invalid()) return numeric(start);
    return { type: 'T_ERROR', at, text: 'invalid token' };
  };
  const numeric = (start: number): Token => {
    const found = matches(NUMBER);
    if (found === undefined) return { type: 'T_ERROR', at: start, text: 'invalid number' };
    at += found.length;
    return { type: 'T_NUMBER', at: start, value: toNumber(found) };
  };
  const string = (start: number): Token => {
    let out = '';
    for (at++; ;) {
      const char = text[at];
      if (char === undefined) return { type: 'T_ERROR', at, text: 'unexpected end of string' };
      if (char === '"') {
        at++;
        return { type: 'T_STRING', at: start, text: out };
      }
      if (char !== '\\') {
        const plain = matches(/[^"\\]+/y)!;
        out += plain;
        at += plain.length;
        continue;
      }
      const escape = text[at + 1] ?? '';
      if (escape === 'u') {
        const decoded = unicode();
        if (decoded === undefined) return { type: 'T_ERROR', at, text: 'invalid unicode escape code' };
        out += decoded;
        continue;
      }
      const simple = ESCAPES[escape];
      if (simple === undefined) return { type: 'T_ERROR', at, text: 'invalid escape code' };
      out += simple;
      at += 2;
    }
  };
  const codeUnit = (from: number): number | undefined => {
    const digits = text.slice(from + 2, from + 6);
    return text.startsWith('\\u', from) && /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : undefined;
  };
  const unicode = (): string | undefined => {
    let code = codeUnit(at);
    if (code === undefined || (code & 0xfc00) === 0xdc00) return undefined;
    let length = 6;
    if ((code & 0xfc00) === 0xd800) {
      const low = codeUnit(at + 6);
      if (low === undefined || (low & 0xfc00) !== 0xdc00) return undefined;
      code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
      length = 12;
    }
    at += length;
    return Buffer.from(String.fromCodePoint(code), 'utf8').toString('latin1');
  };
  const unexpected = (expected: string, token: Token): never => {
    const found = token.type === 'T_ERROR' ? token.text : token.type;
    throw new JsonError(`Expected ${expected} but found ${found} at character ${token.at + 1}`);
  };
  const descend = (): void => {
    depth++;
    if (depth <= settings.decodeMaxDepth && api.lua_checkstack(L, 4) !== 0) return;
    throw new JsonError(`Found too many nested data structures (${depth}) at character ${at}`);
  };
  /** Pushes a value that is at its end with this token; false when it is a table. */
  const plain = (token: Token): boolean => {
    switch (token.type) {
      case 'T_STRING':
        lua.push(L, token.text);
        return true;
      case 'T_NUMBER':
        api.lua_pushnumber(L, token.value);
        return true;
      case 'T_BOOLEAN':
        api.lua_pushboolean(L, token.truth ? 1 : 0);
        return true;
      case 'T_NULL':
        api.lua_pushlightuserdata(L, 0);
        return true;
      case 'T_OBJ_BEGIN':
      case 'T_ARR_BEGIN':
        return false;
      default:
        return unexpected('value', token);
    }
  };
  const table = (token: Token): Generator<void> => (token.type === 'T_OBJ_BEGIN' ? object() : array());
  const object = function* (): Generator<void> {
    descend();
    api.lua_createtable(L, 0, 0);
    let token = next();
    while (token.type !== 'T_OBJ_END') {
      if (token.type !== 'T_STRING') return unexpected('object key string', token);
      lua.push(L, token.text);
      const colon = next();
      if (colon.type !== 'T_COLON') return unexpected('colon', colon);
      const first = next();
      if (!plain(first)) yield* table(first);
      api.lua_rawset(L, -3);
      if (pace.due) yield;
      token = next();
      if (token.type === 'T_OBJ_END') break;
      if (token.type !== 'T_COMMA') return unexpected('comma or object end', token);
      token = next();
      if (token.type === 'T_OBJ_END') return unexpected('object key string', token);
    }
    depth--;
  };
  const array = function* (): Generator<void> {
    descend();
    api.lua_createtable(L, 0, 0);
    let token = next();
    for (let i = 1; token.type !== 'T_ARR_END'; i++) {
      if (!plain(token)) yield* table(token);
      api.lua_rawseti(L, -2, i);
      if (pace.due) yield;
      token = next();
      if (token.type === 'T_ARR_END') break;
      if (token.type !== 'T_COMMA') return unexpected('comma or array end', token);
      token = next();
      if (token.type === 'T_ARR_END') return unexpected('value', token);
    }
    depth--;
  };

  if (text.length >= 2 && (text[0] === '\0' || text[1] === '\0'))
    throw new JsonError('JSON parser does not support UTF-16 or UTF-32');
  const first = next();
  if (!plain(first)) yield* table(first);
  const end = next();
  if (end.type !== 'T_END') unexpected('the end', end);
}

const WORDS = [
  ['true', { type: 'T_BOOLEAN', truth: true }],
  ['false', { type: 'T_BOOLEAN', truth: false }],
  ['null', { type: 'T_NULL' }],
] as const;
