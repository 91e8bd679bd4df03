import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createEngine } from '../engine.ts';
import type { Engine } from '../engine-api.ts';
import { Node } from '../keyspace/node.ts';

const MEMBERS = 20_000;
let engine: Engine;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await engine.close();
});

/** Reads so many bytes, and no more than are there. */
async function read(socket: Socket, bytes: number): Promise<string> {
  let text = '';
  while (text.length < bytes) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    text += chunk.toString('latin1');
  }
  return text;
}

test('long replies of many nodes never mix, while clients leave in the middle of theirs', async () => {
  const names = ['a', 'b', 'c', 'd'];
  const nodes = new Map(names.map((name) => [name, new Node({ id: name })]));
  engine = createEngine({ authenticate: ({ password }) => ({ node: nodes.get(password)! }) });
  const port = await engine.listen({ port: 0 });
  for (const [name, node] of nodes) {
    for (let n = 0; n < MEMBERS; n += 1000) {
      const some = Array.from({ length: 1000 }, (_, k) => `${name}:${String(n + k).padStart(8, '0')}`);
      await engine.execute(node, ['RPUSH', 'list', ...some]);
    }
  }
  const open = async (name: string): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.write(`AUTH ${name}\r\n`);
    await read(socket, 5);
    return socket;
  };
  const whole = (name: string): string =>
    `*${MEMBERS}\r\n${Array.from({ length: MEMBERS }, (_, n) => `$10\r\n${name}:${String(n).padStart(8, '0')}\r\n`).join('')}`;

  const stays = async (name: string): Promise<void> => {
    const socket = await open(name);
    const expected = whole(name);
    for (let round = 0; round < 5; round++) {
      socket.write('LRANGE list 0 -1\r\n');
      expect((await read(socket, expected.length)) === expected).toBe(true);
    }
  };
  const leaves = async (name: string): Promise<void> => {
    for (let round = 0; round < 10; round++) {
      const socket = await open(name);
      socket.write('LRANGE list 0 -1\r\n'.repeat(5));
      await read(socket, 10_000);
      socket.destroy();
    }
  };
  await Promise.all(names.flatMap((name) => [stays(name), stays(name), leaves(name)]));
});
