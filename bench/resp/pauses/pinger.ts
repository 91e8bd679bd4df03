/** A process that pings a node, one ping after another, and tells what the longest of them took since it was last asked. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { bulk } from '../load/connection.ts';

/** Between two pings, so that the process does not take a core of its own. */
const PAUSE_MS = 1;

const socket = connect({ host: '127.0.0.1', port: Number(process.argv[2]), noDelay: true });
socket.write(bulk('AUTH', 'neighbour', '-'));
await once(socket, 'data');

let longest_ms = 0;
let askedFor = false;
process.on('message', () => (askedFor = true));
process.on('disconnect', () => process.exit(0));
for (;;) {
  const began = performance.now();
  socket.write(bulk('PING'));
  await once(socket, 'data');
  longest_ms = Math.max(longest_ms, performance.now() - began);
  if (askedFor) {
    process.send?.(longest_ms);
    longest_ms = 0;
    askedFor = false;
  }
  await sleep(PAUSE_MS);
}
