/** Longer scripts are not looked at. */
const LENGTH_MAX = 4096;
/** So many strings may be joined: each can double what there is. */
const JOINS_MAX = 4;
/** Words that neither begin anything again nor call anything that takes long. */
const HARMLESS = new Set(
  'and else elseif end false if local nil not or return then true redis KEYS ARGV tonumber tostring type error'.split(
    ' ',
  ),
);
/** Fields that are no way to the functions of strings, which can take long. */
const FIELDS = new Set(
  'call pcall error_reply status_reply sha1hex setresp log ok err LOG_DEBUG LOG_VERBOSE LOG_NOTICE LOG_WARNING'.split(
    ' ',
  ),
);
/** Names, numbers, short strings, `[number]`, and single marks; what else there is makes no token. */
const TOKEN =
  /\s+|--(?!\[)[^\n]*|[A-Za-z_]\w*|\d+(?:\.\d+)?|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\[\s*\d+\s*\]|\.{1,2}(?!\.)|[=~<>]=|[-+*/%^#<>=(){},;]/y;

/** What no local variable may be called here: out of its block the name would mean something else. */
const TAKEN = new Set(
  'break do for function in repeat until while _G _VERSION __redis__err__handler assert bit cjson cmsgpack collectgarbage coroutine gcinfo getmetatable ipairs load loadstring math next pairs pcall rawequal rawget rawset select setmetatable string struct table unpack xpcall'.split(
    ' ',
  ),
);

/** The tokens of a script without spaces and comments; the last is undefined when there is something else. */
function* tokensOf(source: string): Generator<string | undefined> {
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const token = TOKEN.exec(source)?.[0];
    if (token === undefined || !/^(?:\s|--)/.test(token)) yield token;
    if (token === undefined) return;
  }
}

/**
 * Whether a script can be seen to end soon, without being run: it has no loops and no functions of its own, and calls nothing
 * but the server and what converts values. Such a script need not be made ready to be suspended, which costs a good part of
 * the time a short one takes. Whatever is not surely so is not.
 */
export function isStraight(source: string): boolean {
  if (source.length > LENGTH_MAX) return false;
  const locals = new Set<string>();
  let declaring = false;
  let joins = 0;
  let before = '';
  for (const token of tokensOf(source)) {
    if (token === undefined || (token === '..' && ++joins > JOINS_MAX)) return false;
    if (/^[A-Za-z_]/.test(token)) {
      if (declaring && !HARMLESS.has(token) && !TAKEN.has(token)) locals.add(token);
      const known = before === '.' ? FIELDS.has(token) : HARMLESS.has(token) || locals.has(token);
      if (!known) return false;
    }
    declaring = token === 'local' || (declaring && (token === ',' || before === 'local' || before === ','));
    before = token;
  }
  return true;
}
