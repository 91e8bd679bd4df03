/** A request as clients send it. Latin-1. */
export function writeRequest(args: readonly string[]): string {
  let text = `*${args.length}\r\n`;
  for (const arg of args) text += `$${arg.length}\r\n${arg}\r\n`;
  return text;
}

/** Words that are written from one step to the next. */
const AT_ONCE = 512;

/** The same as bytes, made in steps: for very many words. */
export function* requestInSteps(args: readonly string[]): Generator<void, Buffer> {
  let size = 0;
  for (const arg of args) size += 1 + String(arg.length).length + 2 + arg.length + 2;
  const head = `*${args.length}\r\n`;
  const bytes = Buffer.allocUnsafeSlow(head.length + size);
  let at = bytes.write(head, 'latin1');
  for (let from = 0; from < args.length; from += AT_ONCE) {
    let text = '';
    for (const arg of args.slice(from, from + AT_ONCE)) text += `$${arg.length}\r\n${arg}\r\n`;
    at += bytes.write(text, at, 'latin1');
    yield;
  }
  return bytes;
}
