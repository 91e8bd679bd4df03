import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

import { afterEach, expect, test } from 'vitest';

import { createEngine } from '../engine.ts';
import type { AuthResult, Engine } from '../engine-api.ts';
import { Node } from '../keyspace/node.ts';

const engines: Engine[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const engine of engines.splice(0)) await engine.close();
});

/** Engines of one node each, the password of a node being its name; a door that has none sends everybody on. */
async function openHouse(...names: string[]): Promise<{ port: number; nodes: Map<string, Node> }> {
  const rooms = new Map<string, { engine: Engine; node: Node }>();
  const engineAt = (here: string | undefined): Engine => {
    const engine = createEngine({
      authenticate: ({ password }) => {
        const room = rooms.get(password);
        if (room === undefined) return {};
        const admitted: AuthResult = { node: room.node };
        if (password === here) return admitted;
        return Promise.resolve({ elsewhere: (departure) => room.engine.takeOver(departure, admitted) });
      },
    });
    engines.push(engine);
    return engine;
  };
  for (const name of names) rooms.set(name, { engine: engineAt(name), node: new Node({ id: name }) });
  const port = await engineAt(undefined).listen({ port: 0 });
  return { port, nodes: new Map([...rooms].map(([name, { node }]) => [name, node])) };
}

/** Sends text and reads until so many bytes have come, or what there is at the end. */
async function exchange(socket: Socket, text: string, until: RegExp): Promise<string> {
  socket.write(text, 'latin1');
  let seen = '';
  while (!until.test(seen)) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    seen += chunk.toString('latin1');
  }
  return seen;
}

function dial(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  return socket;
}

test('a connection goes to the engine of its node with everything that was sent after the password', async () => {
  const { port, nodes } = await openHouse('one', 'two');
  const socket = dial(port);
  const commands = Array.from({ length: 500 }, (_, n) => `SET k${n} ${'x'.repeat(n + 1)}\r\n`).join('');
  const seen = await exchange(socket, `AUTH two\r\n${commands}DBSIZE\r\n`, /:\d+\r\n$/);
  expect(seen).toBe(`${'+OK\r\n'.repeat(501)}:500\r\n`);
  expect(nodes.get('one')?.databases[0]?.size ?? 0).toBe(0);
  expect(nodes.get('two')?.databases[0]?.size).toBe(500);
});

test('what the connection had set goes with it, from node to node', async () => {
  const { port } = await openHouse('one', 'two');
  const socket = dial(port);
  const hello = await exchange(socket, 'HELLO 3 AUTH default one SETNAME me\r\n', /modules\r\n\*0\r\n$/);
  expect(hello).toMatch(/^%7\r\n/);
  await exchange(socket, 'CLIENT SETINFO LIB-NAME mine\r\n', /OK/);
  await exchange(socket, 'SET where one\r\n', /OK/);
  const seen = await exchange(socket, 'AUTH two\r\nGET where\r\nCLIENT INFO\r\nCLIENT GETNAME\r\n', /\$2\r\nme\r\n$/);
  expect(seen).toMatch(/^\+OK\r\n_\r\n/);
  expect(seen).toContain('lib-name=mine');
  expect(seen).toContain('resp=3');
  expect(await exchange(socket, 'AUTH one\r\nGET where\r\n', /one\r\n$/)).toBe('+OK\r\n$3\r\none\r\n');
  expect(await exchange(socket, 'AUTH nobody\r\nGET where\r\n', /one\r\n$/)).toMatch(/^-WRONGPASS [^\n]*\n\$3\r\none/);
});

test('replies that wait are out before the connection leaves', async () => {
  const { port, nodes } = await openHouse('one', 'two');
  const waiting: ((durable: boolean) => void)[] = [];
  const node = nodes.get('one');
  if (node === undefined) throw new Error('unreachable');
  node.journal = {
    records: true,
    holdsReplies: true,
    isDurable: false,
    failure: undefined,
    append() {},
    appendBlock() {},
    whenKept: (callback: (durable: boolean) => void) => void waiting.push(callback),
    whenDurable: (callback: (durable: boolean) => void) => void waiting.push(callback),
  } as unknown as NonNullable<Node['journal']>;
  const socket = dial(port);
  const releasing = setInterval(() => waiting.shift()?.(true), 5);
  const seen = await exchange(socket, 'AUTH one\r\nSET k v\r\nAUTH two\r\nPING\r\n', /PONG/);
  clearInterval(releasing);
  expect(seen).toBe('+OK\r\n+OK\r\n+OK\r\n+PONG\r\n');
});
