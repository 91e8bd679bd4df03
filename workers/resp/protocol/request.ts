/** A request as clients send it. Latin-1. */
export function writeRequest(args: readonly string[]): string {
  return withWords(`*${args.length}\r\n`, args);
}

function withWords(start: string, args: readonly string[]): string {
  let text = start;
  for (const arg of args) text += `$${arg.length}\r\n${arg}\r\n`;
  return text;
}

/** Words that are written from one step to the next. */
const AT_ONCE = 512;

/** The same as bytes, made in steps: for very many words. */
export function* requestInSteps(args: readonly string[]): Generator<void, Buffer> {
  const head = `*${args.length}\r\n`;
  let size = head.length;
  for (const arg of args) size += 1 + String(arg.length).length + 2 + arg.length + 2;
  const bytes = Buffer.allocUnsafeSlow(size);
  let at = bytes.write(head, 'latin1');
  for (let from = 0; from < args.length; from += AT_ONCE) {
    at += bytes.write(withWords('', args.slice(from, from + AT_ONCE)), at, 'latin1');
    yield;
  }
  return bytes;
}
