/** A thread that pings a node, one ping after another, and tells what the longest of them took since it was last asked. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { bulk } from '../load/connection.ts';

/** Between two pings, so that the thread does not take a core of its own. */
const PAUSE_MS = 1;

const socket = connect({ host: '127.0.0.1', port: workerData as number, noDelay: true });
socket.write(bulk('AUTH', 'neighbour', '-'));
await once(socket, 'data');

let longest_ms = 0;
let askedFor = false;
parentPort!.on('message', () => (askedFor = true));
for (;;) {
  const began = performance.now();
  socket.write(bulk('PING'));
  await once(socket, 'data');
  longest_ms = Math.max(longest_ms, performance.now() - began);
  if (askedFor) {
    parentPort!.postMessage(longest_ms);
    longest_ms = 0;
    askedFor = false;
  }
  await sleep(PAUSE_MS);
}
