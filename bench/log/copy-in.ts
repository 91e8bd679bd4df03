import type { Client, Connection, Submittable } from 'pg';

/** So much is handed to the driver at once. */
const chunkBytes = 1024 * 1024;

/**
 * Loads rows by COPY: `into` is the table with its columns, each row is a line in the text format of COPY. The driver leaves COPY to
 * others, but brings what it takes: a query is any object that answers the messages of the protocol.
 */
export function copyIn(client: Client, into: string, lines: Iterable<string>): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: Error | null = null;
    const copy = {
      submit(connection: CopyConnection) {
        connection.query(`COPY ${into} FROM STDIN`);
      },
      handleCopyInResponse(connection: CopyConnection) {
        void send(connection, lines[Symbol.iterator]());
      },
      handleError(error: Error) {
        failure = error;
        if (!('code' in error)) reject(error);
      },
      handleRowDescription: nothing,
      handleDataRow: nothing,
      handleCommandComplete: nothing,
      handleReadyForQuery() {
        if (failure === null) resolve();
        else reject(failure);
      },
    };
    client.query(copy as unknown as Submittable);
  });
}

interface CopyConnection extends Connection {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** As fast as the server takes it, so that a long load needs no memory. */
async function send(connection: CopyConnection, lines: Iterator<string, undefined>): Promise<void> {
  for (;;) {
    let chunk = '';
    let line = lines.next();
    for (; line.done !== true; line = lines.next()) {
      chunk += `${line.value}\n`;
      if (chunk.length >= chunkBytes) break;
    }
    if (chunk !== '') connection.sendCopyFromChunk(Buffer.from(chunk));
    if (line.done === true) break;
    if (connection.stream.writableNeedDrain) {
      await new Promise<void>((resolve) => connection.stream.once('drain', () => resolve()));
    }
  }
  connection.endCopyFrom();
}

function nothing(): void {}
