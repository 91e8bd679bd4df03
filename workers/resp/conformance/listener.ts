import { once } from 'node:events';
import { connect } from 'node:net';
import { CLOSED, encode, replyEnd } from './wire.ts';

/** A connection that may receive messages at any time. */
export interface Listener {
  /** Whether the server has closed it. */
  readonly closed: boolean;
  /**
   * Sends a request, and returns whatever was received since the one before: messages, invalidations and the reply, in order; `CLOSED`
   * comes last when the connection ended before the reply.
   */
  hear(request: readonly string[]): Promise<readonly string[]>;
  close(): void;
}

/** Opens a connection to a server on this machine. */
export async function openListener(port: number): Promise<Listener> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  await once(socket, 'connect');
  let text = '';
  let arrived: () => void = () => undefined;
  socket.on('data', (chunk) => {
    text += String(chunk);
    arrived();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => arrived());
  let asked = 0;
  return {
    get closed() {
      return socket.destroyed;
    },
    async hear(request) {
      // What others caused before this was asked is sent before this is answered.
      const end = `end-${asked++}-of-it`;
      socket.write(encode(request) + encode(['PING', end]), 'latin1');
      while (!text.includes(`${end}\r\n`) && !socket.destroyed)
        await new Promise<void>((resolve) => (arrived = resolve));
      const messages: string[] = [];
      for (let at = 0; at < text.length;) {
        const next = replyEnd(text, at);
        if (next < 0) break;
        const message = text.slice(at, next);
        at = next;
        if (message.includes(end)) {
          text = text.slice(at);
          return messages;
        }
        messages.push(message);
      }
      text = '';
      return [...messages, CLOSED];
    },
    close: () => socket.destroy(),
  };
}
