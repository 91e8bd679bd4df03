import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, expect, test } from 'vitest';

import { createEngine } from '../engine.ts';
import type { Engine } from '../engine-api.ts';
import { Node } from '../keyspace/node.ts';

let engine: Engine | undefined;

afterEach(() => engine?.close());

/** Connects and sends a request; the answer is what comes first. */
async function ask(port: number, request: string): Promise<{ socket: Socket; answer: string }> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(request);
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return { socket, answer: chunk.toString() };
}

test(
  'when all places are taken, strangers who linger make room for those who log in',
  { timeout: 20_000 },
  async () => {
    const node = new Node({ id: 'one' });
    engine = createEngine({
      authenticate: ({ password }) => (password === 'right' ? { node } : {}),
      limits: { maxClients: 3 },
    });
    const port = await engine.listen({ port: 0 });
    const member = await ask(port, 'AUTH right\r\n');
    expect(member.answer).toBe('+OK\r\n');
    const strangers = await Promise.all([ask(port, 'PING\r\n'), ask(port, 'PING\r\n')]);
    for (const { answer } of strangers) expect(answer).toMatch(/^-NOAUTH/);
    expect((await ask(port, 'AUTH right\r\n')).answer).toBe('-ERR max number of clients reached\r\n');
    await sleep(5100);
    expect((await ask(port, 'AUTH right\r\n')).answer).toBe('+OK\r\n');
    expect((await ask(port, 'AUTH right\r\n')).answer).toBe('+OK\r\n');
    expect((await ask(port, 'AUTH right\r\n')).answer).toBe('-ERR max number of clients reached\r\n');
    for (const { socket } of strangers) await (socket.closed || once(socket, 'close'));
    member.socket.write('PING\r\n');
    expect(String((await once(member.socket, 'data'))[0])).toBe('+PONG\r\n');
  },
);
