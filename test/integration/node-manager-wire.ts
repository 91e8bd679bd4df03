import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A connection that sends what it is told, well-formed or not, and reads replies one by one. */
export interface Wire {
  send(bytes: string): void;
  /** The next reply: its first line, and for a bulk string `$` and its content (`$-1` for none); aggregates by their head only. */
  next(): Promise<string>;
  call(...command: string[]): Promise<string>;
  /** True once the server has closed the connection; false when it has not within two seconds. */
  ended(): Promise<boolean>;
  close(): void;
}

/** Connects without saying anything. */
export async function connectRaw(port: number): Promise<Wire> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let input = '';
  let over = false;
  let wake = (): void => {};
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    input += chunk;
    wake();
  });
  socket.on('error', () => {});
  const closed = new Promise<true>((resolve) => {
    socket.on('close', () => {
      over = true;
      wake();
      resolve(true);
    });
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });

  const changed = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });

  async function take(length: number): Promise<string> {
    while (input.length < length) {
      if (over) throw new Error(`the connection ended after ${JSON.stringify(input)}`);
      await changed();
    }
    const taken = input.slice(0, length);
    input = input.slice(length);
    return taken;
  }

  async function line(): Promise<string> {
    for (;;) {
      const end = input.indexOf('\r\n');
      if (end !== -1) return (await take(end + 2)).slice(0, -2);
      if (over) throw new Error(`the connection ended after ${JSON.stringify(input)}`);
      await changed();
    }
  }

  async function next(): Promise<string> {
    const head = await line();
    if (/^[*%~>]\d/.test(head)) {
      const items = Number(head.slice(1)) * (head.startsWith('%') ? 2 : 1);
      for (let i = 0; i < items; i += 1) await next();
      return head;
    }
    if (!head.startsWith('$') || head === '$-1') return head;
    const content = await take(Number(head.slice(1)) + 2);
    return `$${content.slice(0, -2)}`;
  }

  return {
    send: (bytes) => socket.write(bytes, 'latin1'),
    next,
    call(...command) {
      const parts = command.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
      socket.write(`*${command.length}\r\n${parts.join('')}`);
      return next();
    },
    ended: () => Promise.race([closed, sleep(2000, false, { ref: false })]),
    close: () => socket.destroy(),
  };
}
