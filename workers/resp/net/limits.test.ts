import { connect } from 'node:net';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { openWire } from '../conformance/wire.ts';
import type { Engine, EngineOptions } from '../engine-api.ts';
import { createEngine } from '../engine.ts';
import { Node } from '../keyspace/node.ts';

let engine: Engine;
afterEach(() => engine.close());

async function start(options: EngineOptions): Promise<number> {
  engine = createEngine(options);
  return engine.listen({ port: 0 });
}

/** Sends bytes and returns all that comes back until the server closes. */
async function conversation(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let heard = '';
  socket.setEncoding('latin1').on('data', (text) => (heard += String(text)));
  socket.write(bytes, 'latin1');
  await once(socket, 'close');
  return heard;
}

test('a command that throws costs its own connection and nobody else anything', async () => {
  const faults: unknown[] = [];
  const codec = {
    serializeValue: () => '',
    // oxlint-disable-next-line require-yield -- it is broken.
    *serializeInSteps(): Generator<never> {
      throw new Error('broken');
    },
    deserializeValue: () => undefined,
    *deserializeInSteps(): Generator<never> {},
    serializeLibraries: () => '',
    deserializeLibraries: () => [],
  };
  const onFault = (...fault: unknown[]): void => void faults.push(fault);
  const port = await start({ defaultNode: new Node({ id: 'n' }), codec, onFault });
  const neighbour = await openWire(port);
  await neighbour.batch([['SET', 'k', 'v']]);
  expect(await conversation(port, 'PING\r\nDUMP k\r\nPING\r\n')).toMatch(/^\+PONG\r\n-ERR internal error/);
  expect(faults).toEqual([[expect.any(Node), 'DUMP', new Error('broken')]]);
  expect(await neighbour.batch([['GET', 'k']])).toEqual(['$1\r\nv\r\n']);
  neighbour.close();
});

test('who does not log in in time is let go', async () => {
  const node = new Node({ id: 'n' });
  const port = await start({ authenticate: () => ({ node }), limits: { authTimeoutSeconds: 1 } });
  expect(await conversation(port, 'PING\r\n')).toMatch(/^-NOAUTH[^\n]*\n$/);
  const patient = await openWire(port);
  expect(await patient.batch([['AUTH', 'x']])).toEqual(['+OK\r\n']);
  patient.close();
});

test('who says nothing for as long as the node allows is let go', async () => {
  const port = await start({ defaultNode: new Node({ id: 'n' }) });
  const beganAt = performance.now();
  expect(await conversation(port, 'PING\r\nCONFIG SET timeout 1\r\n')).toBe('+PONG\r\n+OK\r\n');
  expect(performance.now() - beganAt).toBeGreaterThan(900);
});

test('a node takes so many connections, whoever else has room, and the platform always gets in', async () => {
  const nodes: Record<string, Node> = { a: new Node({ id: 'a' }), b: new Node({ id: 'b' }) };
  const authenticate: EngineOptions['authenticate'] = ({ username, password }) => ({
    node: nodes[username ?? '']!,
    privileged: password === 'platform',
  });
  const port = await start({ authenticate, limits: { nodeClientsMax: 2 } });
  const log = ['AUTH', 'a', 'x'];
  const wires = await Promise.all([1, 2].map(() => openWire(port)));
  for (const wire of wires) expect(await wire.batch([log])).toEqual(['+OK\r\n']);
  expect(await conversation(port, 'AUTH a x\r\nPING\r\n')).toBe('-ERR max number of clients reached\r\n');
  for (const rest of ['b x', 'a platform'])
    expect(await conversation(port, `AUTH ${rest}\r\nPING\r\nQUIT\r\n`)).toBe('+OK\r\n+PONG\r\n+OK\r\n');
  wires[0]!.close();
  await expect.poll(async () => conversation(port, 'AUTH a x\r\nQUIT\r\n')).toBe('+OK\r\n+OK\r\n');
  wires[1]!.close();
});

test('a transaction keeps no more than a connection may, and then is not carried out', async () => {
  const port = await start({ defaultNode: new Node({ id: 'n' }), limits: { queryBufferBytesMax: 10_000 } });
  const wire = await openWire(port);
  const set = ['SET', 'k', 'x'.repeat(4000)];
  const replies = await wire.batch([['MULTI'], set, set, set, ['EXEC'], ['EXISTS', 'k']]); // prettier-ignore
  expect(replies.slice(1, 3)).toEqual(['+QUEUED\r\n', '+QUEUED\r\n']);
  expect(replies[3]).toMatch(/^-ERR The transaction is larger/);
  expect(replies[4]).toMatch(/^-EXECABORT/);
  expect(replies[5]).toBe(':0\r\n');
  wire.close();
});
