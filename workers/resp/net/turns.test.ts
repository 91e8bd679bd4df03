import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { once } from 'node:events';

import { afterEach, expect, test } from 'vitest';

import { createEngine } from '../engine.ts';
import type { Engine } from '../engine-api.ts';
import { Node } from '../keyspace/node.ts';

let engine: Engine;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await engine.close();
});

async function start(...names: string[]): Promise<(name: string) => Promise<Socket>> {
  const nodes = new Map(names.map((name) => [name, new Node({ id: name })]));
  engine = createEngine({
    authenticate({ password }) {
      const node = nodes.get(password);
      return node === undefined ? {} : { node };
    },
  });
  const port = await engine.listen({ port: 0 });
  return async (name) => {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.write(`AUTH ${name}\r\n`);
    await once(socket, 'data');
    return socket;
  };
}

/** Reads until the text has come as often as said; returns all. */
async function until(socket: Socket, text: string, times = 1): Promise<string> {
  let seen = '';
  while (seen.split(text).length <= times) seen += String((await once(socket, 'data'))[0]);
  return seen;
}

test('a long pipeline of one node is carried out in order, and another node is answered before its end', async () => {
  const open = await start('greedy', 'modest');
  const [modest, ...greedy] = await Promise.all([open('modest'), open('greedy'), open('greedy')]);
  const many = 20_000;
  const pipeline = Array.from({ length: many }, (_, n) => `RPUSH l ${n}\r\n`).join('');
  let answered = 0;
  for (const socket of greedy)
    socket.on('data', (chunk: Buffer) => (answered += chunk.toString().split(':').length - 1));
  // Both are at work, so that neither counts as alone.
  modest.write('PING\r\n');
  await until(modest, 'PONG');
  const [first, second] = greedy;
  first.write(pipeline);
  second.write('RPUSH other x\r\n'.repeat(many));
  await until(first, ':100\r\n');
  modest.write('PING\r\n');
  await until(modest, 'PONG');
  expect(answered).toBeLessThan(2 * many);
  await expect.poll(() => answered, { timeout: 20_000 }).toBe(2 * many);
  first.write('LRANGE l 0 -1\r\n');
  const list = await until(first, `\r\n${many - 1}\r\n`);
  expect([...list.matchAll(/\r\n(\d+)(?=\r\n\$|\r\n$)/g)].map(([, n]) => Number(n))).toEqual([
    ...Array.from({ length: many }).keys(),
  ]);
});
