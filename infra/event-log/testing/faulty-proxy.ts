import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** What the server says at the end of each statement outside of transactions: ReadyForQuery, idle. What was asked for is committed by then. */
const readyForQuery = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);

/** A stretch of network between a client and PostgreSQL, on which things go wrong when a test says so. */
export interface FaultyProxy {
  /** The connection string that goes through it. */
  readonly url: string;
  /** The next answer (complete, so what was asked for is done) is swallowed, and the connection cut. Resolves when that has happened. */
  cutInsteadOfNextAnswer(): Promise<void>;
  /** The next answer is swallowed, and nothing more is ever heard on that connection; it stays open. */
  hangInsteadOfNextAnswer(): Promise<void>;
  /** Cuts all connections, and lets no new ones through while `open` is false. */
  setOpen(open: boolean): void;
  close(): Promise<void>;
}

/** Starts one in front of the server of a connection string. */
export async function startFaultyProxy(url: string): Promise<FaultyProxy> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let fault: { cut: boolean; happened: () => void } | null = null;
  let open = true;

  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    if (!open) client.destroy();
    let silent = false;
    client.on('data', (chunk) => upstream.write(chunk));
    upstream.on('data', (chunk: Buffer) => {
      if (fault === null && !silent) client.write(chunk);
      if (fault === null || silent || !chunk.subarray(-readyForQuery.length).equals(readyForQuery)) return;
      if (fault.cut) client.destroy();
      else silent = true;
      fault.happened();
      fault = null;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const through = new URL(url);
  through.port = String((server.address() as AddressInfo).port);

  const arm = (cut: boolean) =>
    new Promise<void>((happened) => {
      fault = { cut, happened };
    });
  return {
    url: through.href,
    cutInsteadOfNextAnswer: () => arm(true),
    hangInsteadOfNextAnswer: () => arm(false),
    setOpen(value) {
      open = value;
      if (!open) for (const socket of sockets) socket.destroy();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
