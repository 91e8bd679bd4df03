import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { DirectWriter, writesDirectly } from './direct-write.ts';

/** Two ends of a connection; `near` is the one that a server accepted. */
async function pair(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ noDelay: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [near] = (await once(server, 'connection')) as [Socket];
  onTestFinished(() => {
    far.destroy();
    near.destroy();
    server.close();
  });
  return { near, far };
}

test('this Node has the internals that direct writes need', () => {
  // When it fails, replies still go out, but by the slower way: see what became of stream_wrap.
  expect(writesDirectly).toBe(true);
});

test('a peer that reads slowly gets every byte in order, by whichever way it went', async () => {
  const { near, far } = await pair();
  const writer = new DirectWriter(near);
  let sent = '';
  for (let i = 0; i < 3000; i++) {
    const text = `${i}:${'x'.repeat(i % 7 === 0 ? 40_000 : i % 900)}\xff\r\n`;
    sent += text;
    writer.write(text);
  }
  expect(near.writableLength).toBeGreaterThan(0);
  near.end();
  let received = '';
  far.setEncoding('latin1');
  for await (const piece of far) received += piece as string;
  expect(received.length).toBe(sent.length);
  expect(received === sent).toBe(true);
});

test('a write to a peer that has gone closes the socket and throws nothing', async () => {
  const { near, far } = await pair();
  const writer = new DirectWriter(near);
  near.on('error', () => undefined);
  const closed = new Promise((resolve) => near.once('close', resolve));
  far.resetAndDestroy();
  const writing = setInterval(() => writer.write('x'.repeat(10_000)), 1);
  await closed;
  writer.write('more');
  clearInterval(writing);
  expect(near.destroyed).toBe(true);
});
