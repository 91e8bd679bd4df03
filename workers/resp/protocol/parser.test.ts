import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitWords } from './inline.ts';
import { spelledOut } from './large-arguments.ts';
import { RequestParser } from './parser.ts';

const bytes = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 60,
});

function encode(args: readonly string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join('')}`;
}

/** Feeds text in pieces through one reused buffer, as sockets do; requests are looked for after each, or only at the cuts. */
function parse(
  text: string,
  cuts: readonly number[],
  parser = new RequestParser(512 * 1024 * 1024),
  look: 'each' | 'cut' = 'each',
): unknown[] {
  const shared = Buffer.alloc(65_536);
  const results: unknown[] = [];
  const edges = [0, ...cuts.map((cut) => cut % (text.length + 1)).toSorted((a, b) => a - b), text.length];
  for (let i = 1; i < edges.length; i++) {
    for (let at = edges[i - 1]!; at < edges[i]!; at += shared.length) {
      const piece = text.slice(at, Math.min(edges[i]!, at + shared.length));
      shared.write(piece, 0, 'latin1');
      parser.feed(shared, piece.length);
      // Who has to wait for a turn looks for requests later, when the bytes have been put aside.
      if (look === 'each' && !take(parser, results)) return results;
      parser.rest();
      shared.fill(0x2a);
    }
    if (look === 'cut' && !take(parser, results)) return results;
  }
  return results;
}

/** Takes the requests that are all there; false when there was something wrong. */
function take(parser: RequestParser, results: unknown[]): boolean {
  for (let request = parser.next(); request !== undefined; request = parser.next()) {
    results.push(Array.isArray(request) ? spelledOut(request) : request);
    if (!Array.isArray(request)) return false;
  }
  return true;
}

test('requests come out as they went in, however the bytes are cut', () => {
  const requests = fc.array(fc.array(bytes, { minLength: 1, maxLength: 5 }), { maxLength: 8 });
  fc.assert(
    fc.property(requests, fc.array(fc.nat(), { maxLength: 12 }), (sent, cuts) => {
      expect(parse(sent.map(encode).join(''), cuts)).toEqual(sent);
    }),
  );
});

test('a large argument is put together from many reads, as a text or in chunks', () => {
  const large = 'abcdefghijklmnopqrstuvwxyz0'.repeat(11_000);
  for (const request of [
    ['SET', 'k', large],
    ['SET', 'k', large.slice(0, 50_000)],
    ['MSET', 'a', large, 'b', '', 'c', large],
    ['ECHO', large],
  ]) {
    const text = encode(request);
    // Between the value, the two characters of its line end, and what follows.
    for (const cut of [text.length, text.length - 1, text.length - 2, text.length - 3, 40_000]) {
      for (const look of ['each', 'cut'] as const) {
        expect(parse(text, [40, cut], undefined, look)).toEqual([request]);
        expect(parse(text + encode(['PING']), [40, cut], undefined, look)).toEqual([request, ['PING']]);
      }
    }
  }
});

test('inline requests are split into words with quotes and escapes', () => {
  expect(parse('SET k "a\\x41\\n b"\r\n\r\nPING\n', [3, 9])).toEqual([['SET', 'k', 'aA\n b'], ['PING']]);
  expect(splitWords("a 'b\\'c' \"\"")).toEqual(['a', "b'c", '']);
  expect(splitWords('"open')).toBeUndefined();
});

test.each([
  ['*1\r\n+PING\r\n', "expected '$', got '+'"],
  ['*x\r\n', 'invalid multibulk length'],
  ['*1048577\r\n', 'invalid multibulk length'],
  ['*1\r\n$-1\r\n', 'invalid bulk length'],
  ['*1\r\n$536870913\r\n', 'invalid bulk length'],
  ['*1\r\n$1x\r\n', 'invalid bulk length'],
  ['SET "a\r\n', 'unbalanced quotes in request'],
  ['x'.repeat(70_000), 'too big inline request'],
  [`*${'1'.repeat(70_000)}`, 'too big mbulk count string'],
])('%j breaks the protocol', (text, protocolError) => {
  expect(parse(text.slice(0, 90_000), [])).toEqual([{ protocolError }]);
});

test('before authentication only small requests are taken', () => {
  const parser = (): RequestParser => Object.assign(new RequestParser(1e9), { unauthenticated: true });
  expect(parse('*11\r\n', [], parser())).toEqual([{ protocolError: 'unauthenticated multibulk length' }]);
  expect(parse('*1\r\n$16385\r\n', [], parser())).toEqual([{ protocolError: 'unauthenticated bulk length' }]);
});

test('nothing is kept between whole requests', () => {
  const parser = new RequestParser(1e9);
  expect(parse(encode(['PING']), [], parser)).toEqual([['PING']]);
  expect(parser.heldBytes).toBe(0);
});

test('what is kept of a request counts, also arguments that have been read', () => {
  const parser = new RequestParser(1_000_000);
  expect(parse(`*3\r\n$1\r\na\r\n$1000\r\n${'x'.repeat(1000)}\r\n$2\r\nz`, [5, 200, 900], parser)).toEqual([]);
  expect(parser.heldBytes).toBeGreaterThan(1001);
  expect(parser.heldBytes).toBeLessThan(1200);
  expect(parse('z\r\nPING\r\n', [], parser)).toEqual([['a', 'x'.repeat(1000), 'zz'], ['PING']]); // prettier-ignore
  expect(parser.heldBytes).toBe(0);
});

test('strangers send small requests only', () => {
  const stranger = (text: string): unknown[] => {
    const parser = new RequestParser(1_000_000);
    parser.unauthenticated = true;
    return parse(text, [], parser);
  };
  expect(stranger(`AUTH ${'x'.repeat(16_000)}\r\n`)).toHaveLength(1);
  for (const line of [`AUTH ${'x'.repeat(17_000)}\r\n`, 'x'.repeat(17_000)])
    expect(stranger(line)).toEqual([{ protocolError: 'too big inline request' }]);
  expect(stranger('*2\r\n$4\r\nAUTH\r\n$16385\r\n')).toEqual([{ protocolError: 'unauthenticated bulk length' }]);
  expect(stranger('*11\r\n')).toEqual([{ protocolError: 'unauthenticated multibulk length' }]);
});
