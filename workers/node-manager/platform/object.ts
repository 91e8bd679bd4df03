import { createHash } from 'node:crypto';

import type { ObjectStore } from '#infra/object-store/object-store.ts';

/** An object's content on its way in. */
export interface CheckedObject {
  readonly content: AsyncIterable<Uint8Array>;
  readonly bytes: number;
  /** Throws unless all of the content was read and has the SHA-256 that was asked for. */
  check(): void;
}

/** Opens an object whose SHA-256 is known; reading it ends with the signal, if there is one. Rejects when there is no such object. */
export async function openChecked(
  store: ObjectStore,
  objectKey: string,
  sha256: string,
  signal?: AbortSignal,
): Promise<CheckedObject> {
  const found = await store.head(objectKey);
  if (found === null) throw new Error(`The object store has no object "${objectKey}".`);
  const sum = createHash('sha256');
  let bytes = 0;
  async function* content(): AsyncGenerator<Uint8Array> {
    // Opened when it is first read, so that whoever reads nothing leaves nothing open.
    const source = await store.get(objectKey);
    try {
      for await (const chunk of source) {
        signal?.throwIfAborted();
        const part = chunk as Uint8Array;
        bytes += part.byteLength;
        sum.update(part);
        yield part;
      }
    } finally {
      source.destroy();
    }
  }
  return {
    content: content(),
    bytes: found.bytes,
    check() {
      const actual = sum.digest('hex');
      if (actual === sha256.toLowerCase()) return;
      throw new Error(
        `The object has SHA-256 ${actual} (${bytes} bytes) and not ${sha256}: it is damaged or another one.`,
      );
    },
  };
}

/** The same content, broken off when the signal is given. */
export async function* until<Chunk>(signal: AbortSignal, content: AsyncIterable<Chunk>): AsyncGenerator<Chunk> {
  for await (const chunk of content) {
    signal.throwIfAborted();
    yield chunk;
  }
}
