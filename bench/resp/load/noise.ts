import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Address } from '../target.ts';
import { bulk } from './connection.ts';

/** How a tenant can take all that it gets. */
export interface Noise {
  readonly name: string;
  /** Sent again and again, as fast as it is taken. */
  readonly request: string;
  readonly connections: number;
  /** Sent once, before. */
  readonly before?: string;
}

const some = (count: number, command: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => command(index)).join('');
const huge = 'x'.repeat(8 * 2 ** 20);

export const noises: readonly Noise[] = [
  {
    name: 'pipelined writes',
    request: some(1000, (index) => bulk('SET', `noise:${index}`, 'x'.repeat(100))),
    connections: 50,
  },
  { name: '8 MiB values', request: bulk('SET', 'huge', huge) + bulk('GET', 'huge'), connections: 8 },
  {
    name: 'KEYS * of 200,000',
    before: some(200_000, (index) => bulk('SET', `key:${index}`, 'x')),
    request: bulk('KEYS', '*'),
    connections: 8,
  },
  {
    name: 'Lua loops',
    request: bulk('EVAL', 'local sum = 0 for i = 1, 20000000 do sum = sum + i end return sum', '0'),
    connections: 8,
  },
];

/** Replies are only counted, so all are read into the same bytes. */
const shared = Buffer.allocUnsafeSlow(65_536);

/** What its maker was answered so far: bytes of replies, and the first of the errors among them. */
export interface Heard {
  readonly bytes: number;
  readonly error?: string | undefined;
}

/** Requests that a connection begins with. */
const UNDER_WAY = 4;

/** Makes noise in one node for as long as the process lives: every connection has always something under way. Gives what tells of the answers. */
export async function makeNoise(address: Address, { request, connections, before }: Noise): Promise<() => Heard> {
  const { host, port, username = 'default', password } = address;
  const hello = password === undefined ? bulk('PING') : bulk('AUTH', username, password);
  let bytes = 0;
  let error: string | undefined;
  let begun = false;

  async function open(): Promise<Socket> {
    const received = (length: number): boolean => {
      ready.resolve();
      bytes += length;
      if (shared[0] === 45) error ??= shared.toString('latin1', 0, Math.min(length, 100)).split('\r\n')[0];
      // What is answered is asked for again, so that there is always as much under way.
      if (begun && socket.writable && socket.writableLength < 2 ** 20) socket.write(request);
      return true;
    };
    const socket: Socket = connect({ host, port, noDelay: true, onread: { buffer: shared, callback: received } });
    const ready = Promise.withResolvers<void>();
    const ended = (): void => {
      error ??= 'the connection was closed';
      ready.resolve();
    };
    socket.on('error', ended);
    socket.on('close', ended);
    socket.write(hello);
    await ready.promise;
    return socket;
  }

  // All come in before it begins: who came later might not be heard.
  const sockets = await Promise.all(Array.from({ length: connections }, open));
  if (before !== undefined && sockets[0]?.write(before) === false) await once(sockets[0], 'drain');
  begun = true;
  for (const socket of sockets) for (let n = 0; n < UNDER_WAY; n++) socket.write(request);
  return () => ({ bytes, error });
}
