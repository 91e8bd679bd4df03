const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };

/** Splits a line into words with Redis's quoting rules; undefined when quotes are unbalanced. */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (at < line.length && /\s/.test(line[at]!)) at++;
    if (at >= line.length) return words;
    const word = readWord(line, at);
    if (word === undefined) return undefined;
    words.push(word.text);
    at = word.end;
  }
}

function readWord(line: string, start: number): { text: string; end: number } | undefined {
  let text = '';
  let at = start;
  while (at < line.length && !/[\s\0]/.test(line[at]!)) {
    const quote = line[at]!;
    if (quote !== '"' && quote !== "'") {
      text += quote;
      at++;
      continue;
    }
    const quoted = readQuoted(line, at + 1, quote);
    // A closing quote must be followed by a space or nothing at all.
    if (quoted === undefined || (quoted.end < line.length && !/\s/.test(line[quoted.end]!))) return undefined;
    return { text: text + quoted.text, end: quoted.end };
  }
  return { text, end: Math.max(at, start + (at === start ? 1 : 0)) };
}

function readQuoted(line: string, start: number, quote: string): { text: string; end: number } | undefined {
  let text = '';
  for (let at = start; at < line.length; at++) {
    const char = line[at]!;
    if (char === quote) return { text, end: at + 1 };
    if (char !== '\\' || at + 1 >= line.length) {
      text += char;
      continue;
    }
    const next = line[++at]!;
    if (quote === "'") text += next === "'" ? "'" : `\\${next}`;
    else if (next === 'x' && /^[\da-f]{2}$/i.test(line.slice(at + 1, at + 3))) {
      text += String.fromCharCode(Number.parseInt(line.slice(at + 1, at + 3), 16));
      at += 2;
    } else text += ESCAPES[next] ?? next;
  }
  return undefined;
}
