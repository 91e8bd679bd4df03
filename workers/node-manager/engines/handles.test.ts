import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';

import { expect, test } from 'vitest';

import { takeHandle } from '#workers/resp/net/handle.ts';

import { sendHandles } from './handles.ts';

const CONNECTIONS = 300;

/** Says on each socket it is handed which one that is, and what it was told just before, and ends when there is nothing more to come. */
const program = `
  const { Socket } = require('node:net');
  let told = -1;
  process.on('message', (message, handle) => {
    if (handle === undefined) told = message.told;
    else new Socket({ handle }).end(message.index + ' ' + told);
    if (message.index === ${CONNECTIONS - 1}) process.disconnect();
  });
`;

test('handles follow each other without waiting, in order with all else that is said, and ours are closed', async () => {
  const child = fork('-e', [program], { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const exited = once(child, 'exit');
  const send = sendHandles(child);
  const accepted: Socket[] = [];
  const server = createServer({ pauseOnConnect: true }, (socket) => accepted.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const clients = Array.from({ length: CONNECTIONS }, () => connect(port, '127.0.0.1'));
  const said = clients.map((client) => text(client));
  while (accepted.length < CONNECTIONS) await once(server, 'connection');
  for (const [index, socket] of accepted.entries()) {
    child.send({ told: index });
    send({ index }, takeHandle(socket)!);
  }
  // Each reply ends, so no copy of a socket was left open.
  expect((await Promise.all(said)).sort()).toEqual(said.map((_, index) => `${index} ${index}`).sort());
  expect(await exited).toEqual([0, null]);
  // What can't be sent any more is closed.
  const late = connect(port, '127.0.0.1');
  await once(server, 'connection');
  send({ index: 0 }, takeHandle(accepted.at(-1)!)!);
  expect(await text(late)).toBe('');
  server.close();
});
