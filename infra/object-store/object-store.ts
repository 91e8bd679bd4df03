import type { Readable } from 'node:stream';

/** What a finished upload holds, counted and hashed on its way in. */
export interface StoredObject {
  readonly bytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

export interface ListedObject {
  readonly key: string;
  readonly bytes: number;
}

/** Large, immutable things by key, such as backups. Adapters are chosen by OBJECT_STORE_URL; see open.ts. */
export interface ObjectStore {
  /**
   * Streams the content in and publishes it at once: other readers see the whole object or none, and once the promise
   * resolves it survives a power cut. An object of the same key is replaced. When the content fails, nothing is left.
   */
  put(key: string, content: AsyncIterable<Uint8Array>): Promise<StoredObject>;
  /** The object's content, or the bytes from `start` up to, but not including, `end`. Rejects with ObjectMissing when there is none. */
  get(key: string, range?: { start: number; end: number }): Promise<Readable>;
  /** What is known of the object without reading it; null when there is none. */
  head(key: string): Promise<{ bytes: number } | null>;
  /** Removes the object; one that is not there counts as removed. */
  delete(key: string): Promise<void>;
  /** The objects whose keys start with the prefix, in no particular order. */
  list(prefix: string): AsyncIterable<ListedObject>;
}

/** There is no object under the key. */
export class ObjectMissing extends Error {
  override readonly name = 'ObjectMissing';
  constructor(key: string) {
    super(`The object store has no object "${key}".`);
  }
}

const segment = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$/;

/**
 * Throws unless the key is a relative path of plain names (letters, digits, `_`, `-`, `.`, none starting with a dot), so
 * that no key can name anything outside the store or one of the store's own files.
 */
export function assertObjectKey(key: string): void {
  if (key.length > 900 || !key.split('/').every((name) => segment.test(name))) {
    throw new Error(
      `"${key.slice(0, 100)}" is no object key: use names of letters, digits, "_", "-" and ".", joined by "/".`,
    );
  }
}
