import { once } from 'node:events';
import { connect } from 'node:net';
import { bulk, request as textOf } from '../load/connection.ts';

/** A connection that sends requests and reads no more of their replies than where they end. */
export interface PlainClient {
  /** Sends requests one after another; resolves once all have been answered. Rejects when the last reply is an error. */
  run(requests: Iterable<readonly string[]>): Promise<void>;
  close(): void;
}

/** So many bytes of requests are sent before their replies are waited for. */
const BATCH_BYTES = 4_194_304;

/** Connects to a node of a watched engine, by RESP3, so that also those who have subscribed may ask for anything. */
export async function openClient(port: number, node: string): Promise<PlainClient> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  let asked = 0;
  let tail = '';
  let told = Promise.withResolvers<void>();
  socket.on('data', (chunk: Buffer) => {
    tail = (tail + chunk.toString('latin1', Math.max(0, chunk.length - 200))).slice(-200);
    if (tail.endsWith(`end-${asked}\r\n`)) told.resolve();
  });
  socket.on('close', () => told.reject(new Error(`The engine has closed the connection: ${tail}`)));
  const answered = async (text: string): Promise<void> => {
    told = Promise.withResolvers();
    asked++;
    tail = '';
    socket.write(text + bulk('PING', `end-${asked}`), 'latin1');
    await told.promise;
    // What stands right before the end is the last reply.
    const error = /(?:^|\r\n)-([A-Z]+ [^\r\n]*)\r\n\$\d+\r\nend-\d+\r\n$/.exec(tail)?.[1];
    if (error !== undefined) throw new Error(error);
  };
  await once(socket, 'connect');
  await answered(bulk('HELLO', '3', 'AUTH', node, '-'));
  return {
    async run(requests) {
      let batch: string[] = [];
      let bytes = 0;
      for (const request of requests) {
        const text = textOf(request);
        batch.push(text);
        bytes += text.length;
        if (bytes < BATCH_BYTES) continue;
        await answered(batch.join(''));
        [batch, bytes] = [[], 0];
      }
      if (batch.length > 0) await answered(batch.join(''));
    },
    close() {
      socket.removeAllListeners('close');
      socket.destroy();
    },
  };
}
