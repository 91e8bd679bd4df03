import type { ClientBase, Connection, Submittable } from 'pg';

const firstBytes = 64 * 1024;

/**
 * What a SELECT answers, in the binary form of COPY, as one buffer. The driver reads all answers as text, in which bytes come as
 * hexadecimal digits, and makes an object of each row by its columns' names; here nothing is touched on the way. The text must hold its
 * values itself: COPY takes no parameters.
 */
export function copyOut(client: ClientBase, select: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.allocUnsafe(firstBytes);
    let end = 0;
    // A query is any object that answers the messages of the protocol.
    const copy = {
      submit(connection: Connection) {
        connection.query(`COPY (${select}) TO STDOUT (FORMAT binary)`);
      },
      handleCopyData({ chunk }: { chunk: Buffer }) {
        // The driver uses the memory of a chunk again, so it is copied at once.
        if (end + chunk.length > bytes.length) {
          const larger = Buffer.allocUnsafe(Math.max(2 * bytes.length, end + chunk.length));
          bytes.copy(larger, 0, 0, end);
          bytes = larger;
        }
        end += chunk.copy(bytes, end);
      },
      // The driver forgets a query that has failed: nothing more is heard, be it refused or its connection broken.
      handleError: reject,
      handleRowDescription: nothing,
      handleDataRow: nothing,
      handleCommandComplete: nothing,
      handleReadyForQuery() {
        resolve(bytes.subarray(0, end));
      },
    };
    client.query(copy as unknown as Submittable);
  });
}

function nothing(): void {}
