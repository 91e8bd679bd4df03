import { text } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';

import type { ObjectStore } from '#infra/object-store/object-store.ts';
import type { Pool } from 'pg';

import type { Archive } from '../../archive/catalog.ts';
import { readBack } from '../../archive/container.ts';
import { entryOf, parseManifest, type BlockEntry } from '../../archive/manifest.ts';
import { readArchives } from './catalog.ts';

/**
 * Reads every archive and holds it against its manifest, and each manifest against the one before; the flaw in words, or null. For
 * those who want to know before they need one.
 */
export async function* verifyArchives(
  pool: Pool,
  objects: Pick<ObjectStore, 'get'>,
): AsyncGenerator<{ archive: Archive; flaw: string | null }> {
  let previous: Archive | undefined;
  for (const archive of await readArchives(pool)) {
    yield { archive, flaw: await flawOf(objects, archive, previous) };
    previous = archive;
  }
}

async function flawOf(
  objects: Pick<ObjectStore, 'get'>,
  archive: Archive,
  previous: Archive | undefined,
): Promise<string | null> {
  try {
    const manifest = parseManifest(await text(await objects.get(archive.manifestKey)), archive.manifestSha256);
    if (manifest.number !== archive.number || manifest.previous !== (previous?.manifestSha256 ?? null)) {
      return 'does not follow the manifest before it';
    }
    const entries: BlockEntry[] = [];
    const { sha256 } = await readBack(await objects.get(archive.fileKey), (block) => void entries.push(entryOf(block)));
    if (sha256 !== manifest.file.sha256) return 'the file was changed: its hash is not that of the manifest';
    return isDeepStrictEqual(entries, manifest.blocks) ? null : 'the file holds other blocks than the manifest says';
  } catch (error) {
    return (error as Error).message;
  }
}
