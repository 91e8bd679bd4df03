import { createServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';

import { sha256Hex } from '#infra/crypto/secrets.ts';
import type { ObjectStore } from '#infra/object-store/object-store.ts';

/**
 * Stands in for a node manager where a test needs to decide what one does and when. It speaks AUTH and the three MINIREDIS
 * commands, keeps each node's data as one text, and its snapshot of a node is that text.
 */
export interface NodeDouble {
  readonly port: number;
  /** By node id. */
  readonly data: Map<string, string>;
  /** Every command received, such as `SNAPSHOT <key>`. */
  readonly received: string[];
  /** Asked before each command: null answers as usual, a text answers with it as an error, a promise waits. */
  before: (command: string, connection: AbortSignal) => Promise<string | null>;
  close(): Promise<void>;
}

export async function startNodeDouble(objects: ObjectStore): Promise<NodeDouble> {
  const sockets = new Set<Socket>();
  const double = {
    data: new Map<string, string>(),
    received: [] as string[],
    before: async (): Promise<string | null> => null,
  } as Pick<NodeDouble, 'data' | 'received'> & { before: NodeDouble['before'] };

  const answer = async (nodeId: string, words: readonly string[], gone: AbortSignal): Promise<string> => {
    const [, verb = '', key = '', sha256 = ''] = words;
    double.received.push(words.slice(1).join(' '));
    const refused = await double.before(verb.toUpperCase(), gone);
    if (refused !== null) return `-${refused}\r\n`;
    switch (verb.toUpperCase()) {
      case 'SNAPSHOT': {
        const content = double.data.get(nodeId) ?? '';
        const stored = await objects.put(key, chunks(content));
        return bulk({ ...stored, keys: content.length, digest: `d-${sha256Hex(content)}` });
      }
      case 'VERIFY':
      case 'RESTORE': {
        const content = (await buffer(await objects.get(key))).toString();
        if (sha256Hex(content) !== sha256) return `-${verb} the object has another SHA-256\r\n`;
        if (verb === 'RESTORE') double.data.set(nodeId, content);
        const digest = `d-${sha256Hex(content)}`;
        return bulk({ keys: content.length, expiredKeys: 0, bytes: content.length, digest });
      }
      default:
        return '-ERR unknown\r\n';
    }
  };

  const server = createServer((socket) => {
    sockets.add(socket);
    const gone = new AbortController();
    socket.on('close', () => gone.abort());
    socket.on('error', () => {});
    let nodeId = '';
    let text = '';
    socket.on('data', async (chunk) => {
      text += chunk.toString();
      for (let words = take(); words !== null; words = take()) {
        if (words[0]?.toUpperCase() === 'AUTH') {
          nodeId = words[2]?.split('.')[0] ?? '';
          socket.write('+OK\r\n');
        } else {
          socket.write(
            await answer(nodeId, words, gone.signal).catch((error: Error) => `-${words?.[1]} ${error.message}\r\n`),
          );
        }
      }
    });
    const take = (): string[] | null => {
      const parsed = /^\*(\d+)\r\n/.exec(text);
      if (parsed === null) return null;
      const words: string[] = [];
      let at = parsed[0].length;
      for (let n = Number(parsed[1]); n > 0; n -= 1) {
        const head = /^\$(\d+)\r\n/.exec(text.slice(at));
        if (head === null || text.length < at + head[0].length + Number(head[1]) + 2) return null;
        at += head[0].length;
        words.push(text.slice(at, at + Number(head[1])));
        at += Number(head[1]) + 2;
      }
      text = text.slice(at);
      return words;
    };
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return Object.assign(double, {
    port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

function bulk(value: object): string {
  const json = JSON.stringify(value);
  return `$${Buffer.byteLength(json)}\r\n${json}\r\n`;
}

async function* chunks(content: string): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += 1000) yield Buffer.from(content.slice(at, at + 1000));
}
