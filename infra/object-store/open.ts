import { fileURLToPath } from 'node:url';

import { openDirectoryStore } from './directory.ts';
import type { ObjectStore } from './object-store.ts';

/** The object store that OBJECT_STORE_URL names: `file:///a/folder` or an absolute path, made when it is not there. */
export async function openObjectStore(url: string): Promise<ObjectStore> {
  if (url.startsWith('/')) return openDirectoryStore(url);
  if (url.startsWith('file:')) return openDirectoryStore(fileURLToPath(url));
  const scheme = /^[a-z0-9+]+:/i.exec(url)?.[0] ?? 'no scheme';
  throw new Error(
    `OBJECT_STORE_URL has ${scheme}; this version stores objects in a directory: file:///path/to/folder.`,
  );
}
