import { connect, type Socket } from 'node:net';
import type { Address } from '../target.ts';

const DASH = 45;
const DOLLAR = 36;
const shared = Buffer.allocUnsafeSlow(65_536);

/** A request, and how long its reply is: the generator knows all replies, so that it need not read them. */
export interface Request {
  readonly text: string;
  readonly replyBytes: number;
}

/** A Redis client that does as little as one can. */
export interface LoadConnection {
  /** Sends a request; `due` is handed back when its reply is whole. */
  send(request: Request, due: number): void;
  /** When the requests without a reply were due. */
  waiting(): readonly number[];
  close(): void;
}

export const bulk = (...args: readonly string[]): string => request(args);

/** The same for a request of very many words. */
export const request = (args: readonly string[]): string =>
  `*${args.length}\r\n${args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join('')}`;

/** Connects and authenticates. `answered` gets what was given as `due`; `failed` is called once, and nothing after it. */
export async function openConnection(
  { host, port, username, password }: Address,
  answered: (connection: LoadConnection, due: number) => void,
  failed: (message: string) => void,
): Promise<LoadConnection> {
  /** Lengths of the replies to come and when their requests were due, oldest first, in pairs. */
  let queue: number[] = [];
  let head = 0;
  let left = 0;
  let over = false;
  const opened = Promise.withResolvers<LoadConnection>();

  const fail = (message: string): void => {
    if (over) return;
    over = true;
    socket.destroy();
    opened.reject(new Error(message));
    failed(message);
  };
  const received = (length: number): boolean => {
    let at = 0;
    while (at < length) {
      if (head === queue.length) {
        fail(`bytes that nobody asked for: ${shared.toString('latin1', at, Math.min(length, at + 80))}`);
        break;
      }
      if (left === 0) {
        left = queue[head] ?? 0;
        if (shared[at] === DASH || (shared[at] === DOLLAR && shared[at + 1] === DASH)) {
          fail(`answered ${shared.toString('latin1', at, Math.min(length, at + 80)).trimEnd()}`);
          break;
        }
      }
      const taken = Math.min(left, length - at);
      at += taken;
      left -= taken;
      if (left > 0) break;
      const due = queue[head + 1] ?? 0;
      head += 2;
      if (head === queue.length) {
        queue = [];
        head = 0;
      }
      if (Number.isNaN(due)) opened.resolve(connection);
      else answered(connection, due);
    }
    return true;
  };
  const socket: Socket = connect({ host, port, noDelay: true, onread: { buffer: shared, callback: received } });
  const connection: LoadConnection = {
    send({ text, replyBytes }, due) {
      if (over) return;
      queue.push(replyBytes, due);
      socket.write(text, 'latin1');
    },
    waiting: () => queue.slice(head).filter((_, index) => index % 2 === 1),
    close() {
      over = true;
      socket.destroy();
    },
  };
  socket.on('error', (error) => fail(error.message));
  socket.on('close', () => fail('the server closed the connection'));
  const hello = password === undefined ? 'PING' : `AUTH ${username ?? 'default'} ${password}`;
  const reply = password === undefined ? '+PONG\r\n' : '+OK\r\n';
  connection.send({ text: `${hello}\r\n`, replyBytes: reply.length }, Number.NaN);
  return opened.promise;
}

/** Connects, authenticates and has one request answered, after which the connection is of no more use than to be closed. */
export async function openAnswered(address: Address, request: Request): Promise<LoadConnection> {
  const replied = Promise.withResolvers<void>();
  const connection = await openConnection(
    address,
    () => replied.resolve(),
    (message) => replied.reject(new Error(message)),
  );
  connection.send(request, 0);
  await replied.promise;
  return connection;
}
