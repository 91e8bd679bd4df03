/**
 * The least a Redis server in Node can be: sockets, a parser, a Map, and one write per read. It has no databases, expiry,
 * limits, journal or table of commands, so what it takes for an operation is what Node itself takes.
 */
import { createServer, Socket } from 'node:net';
import { parseArgs } from 'node:util';

interface Latin1Buffer extends Buffer {
  latin1Slice(start: number, end: number): string;
}

const shared = Buffer.allocUnsafeSlow(65_536) as Latin1Buffer;
const { values } = parseArgs({ options: { port: { type: 'string', default: '6379' } } });
const entries = new Map<string, string>();

function run(args: readonly string[]): string {
  switch (args[0]?.toUpperCase()) {
    case 'SET':
      entries.set(args[1] ?? '', args[2] ?? '');
      return '+OK\r\n';
    case 'GET': {
      const value = entries.get(args[1] ?? '');
      return value === undefined ? '$-1\r\n' : `$${value.length}\r\n${value}\r\n`;
    }
    case 'PING':
      return '+PONG\r\n';
    case 'CONFIG':
      return '*0\r\n';
    default:
      return '-ERR unknown command\r\n';
  }
}

/** Reads the number of a line that begins at `at` with '*' or '$'; the cursor is after the line. -1 when it is not whole. */
let cursor = 0;
function numberAt(bytes: Buffer, at: number, end: number): number {
  let value = 0;
  for (let i = at + 1; i < end; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === 13) {
      cursor = i + 2;
      return i + 1 < end ? value : -1;
    }
    value = value * 10 + byte - 48;
  }
  return -1;
}

/** Runs the whole requests in a buffer. Returns their replies and where the first unfinished one begins. */
function runAll(bytes: Latin1Buffer, end: number): { replies: string; rest: number } {
  let replies = '';
  let at = 0;
  requests: while (at < end) {
    const count = numberAt(bytes, at, end);
    if (count < 0) break;
    const args: string[] = [];
    for (let i = 0; i < count; i++) {
      if (cursor >= end) break requests;
      const length = numberAt(bytes, cursor, end);
      if (length < 0 || cursor + length + 2 > end) break requests;
      args.push(bytes.latin1Slice(cursor, cursor + length));
      cursor += length + 2;
    }
    at = cursor;
    replies += run(args);
  }
  return { replies, rest: at };
}

const server = createServer({ pauseOnConnect: true, noDelay: true }, (accepted) => {
  // Node lets only sockets that one makes oneself read into a buffer of one's own.
  const bare = accepted as unknown as { _handle: unknown };
  const handle = bare._handle;
  bare._handle = null;
  let unfinished: Buffer = Buffer.alloc(0);
  const received = (length: number): boolean => {
    const whole = unfinished.length === 0;
    const bytes = (whole ? shared : Buffer.concat([unfinished, shared.subarray(0, length)])) as Latin1Buffer;
    const end = whole ? length : bytes.length;
    const { replies, rest } = runAll(bytes, end);
    unfinished = rest === end ? unfinished.subarray(0, 0) : Buffer.from(bytes.subarray(rest, end));
    if (replies !== '') socket.write(replies, 'latin1');
    return true;
  };
  const socket = new Socket({ handle, onread: { buffer: shared, callback: received } } as ConstructorParameters<
    typeof Socket
  >[0]);
  socket.on('error', () => socket.destroy());
  socket.resume();
});
server.listen({ port: Number(values.port), host: '127.0.0.1', backlog: 1024 });
