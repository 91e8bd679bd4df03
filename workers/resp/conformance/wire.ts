import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** A plain connection that sends requests in one batch and gives each reply back as the bytes it was. */
export interface Wire {
  /** Whether the server has closed it. */
  readonly closed: boolean;
  /** `replies`: how many there will be, when some requests have none. Rejects with `Closed` when the connection ends before. */
  batch(requests: readonly (readonly string[])[], replies?: number): Promise<string[]>;
  close(): void;
}

/** Stands in the place of each reply that did not come because the server closed the connection. */
export const CLOSED = '(closed)';

/** The server closed a connection of which replies were awaited. */
export class Closed extends Error {
  /** What it had answered until then. */
  readonly replies: readonly string[];

  constructor(replies: readonly string[], unread: string) {
    super(`The connection was closed; unread: ${JSON.stringify(unread)}`);
    this.replies = replies;
  }
}

/** The bytes of a request, as all clients send them. */
export function encode(args: readonly string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join('')}`;
}

/** Where the reply that begins at `at` ends, or -1 when it is not all there. */
export function replyEnd(text: string, at: number): number {
  const lineEnd = text.indexOf('\r\n', at);
  if (lineEnd < 0) return -1;
  const head = text.slice(at + 1, lineEnd);
  const next = lineEnd + 2;
  switch (text[at]) {
    case '$':
    case '=': {
      const end = head === '-1' ? next : next + Number(head) + 2;
      return end > text.length ? -1 : end;
    }
    case '*':
    case '~':
    case '>':
    case '%': {
      let end = next;
      const count = Number(head) * (text[at] === '%' ? 2 : 1);
      for (let i = 0; i < count && end >= 0; i++) end = replyEnd(text, end);
      return end;
    }
    default:
      return next;
  }
}

/** Opens a connection to a server on this machine. */
export async function openWire(port: number): Promise<Wire> {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opened = connect(port, '127.0.0.1', () => resolve(opened));
    opened.once('error', reject);
  });
  socket.setEncoding('latin1');
  let text = '';
  let waiting:
    | { count: number; replies: string[]; resolve: (replies: string[]) => void; reject: (e: Error) => void }
    | undefined;
  const drain = (): void => {
    if (waiting === undefined) return;
    let at = 0;
    while (waiting.replies.length < waiting.count) {
      const end = replyEnd(text, at);
      if (end < 0) break;
      waiting.replies.push(text.slice(at, end));
      at = end;
    }
    text = text.slice(at);
    if (waiting.replies.length < waiting.count) return;
    const { resolve, replies } = waiting;
    waiting = undefined;
    resolve(replies);
  };
  socket.on('data', (chunk) => {
    text += String(chunk);
    drain();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => waiting?.reject(new Closed(waiting.replies, text)));
  return {
    get closed() {
      return socket.destroyed;
    },
    batch: async (requests, replies = requests.length) => {
      // Nothing tells those who begin to wait of an end that has come before.
      if (socket.destroyed) throw new Closed([], text);
      return new Promise((resolve, reject) => {
        waiting = { count: replies, replies: [], resolve, reject };
        socket.write(requests.map(encode).join(''), 'latin1');
      });
    },
    close: () => socket.destroy(),
  };
}
