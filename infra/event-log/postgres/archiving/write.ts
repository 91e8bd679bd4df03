import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';

import type { ObjectStore } from '#infra/object-store/object-store.ts';
import type { ClientBase } from 'pg';

import type { Archive } from '../../archive/catalog.ts';
import { encodeContainer, readBack } from '../../archive/container.ts';
import { entryOf, parseManifest, writeManifest, type BlockEntry, type Manifest } from '../../archive/manifest.ts';
import type { StoredEvent } from '../../codec.ts';
import { eventColumns, storedEvent, type EventRow } from '../rows.ts';
import { quoted } from './partitions.ts';
import type { Plan } from './plan.ts';

/** So many rows are in memory at once. */
const pageRows = 1_000;

/** The rows of a partition that go, in the order of their positions. The connection is taken until the last one is. */
async function* rowsThatGo(
  client: ClientBase,
  { partition }: Plan,
  signal: AbortSignal | undefined,
): AsyncGenerator<StoredEvent> {
  await client.query('BEGIN');
  try {
    await client.query(
      `DECLARE going NO SCROLL CURSOR FOR SELECT ${eventColumns} FROM ${quoted(partition.name)} e
       WHERE EXISTS (SELECT FROM archiving a WHERE a.stream_id = e.stream_id) ORDER BY position`,
    );
    for (;;) {
      signal?.throwIfAborted();
      const { rows } = await client.query<EventRow>(`FETCH ${pageRows} FROM going`);
      for (const row of rows) yield storedEvent(row);
      if (rows.length < pageRows) return;
    }
  } finally {
    // Nothing was changed; a connection that broke has no transaction any more.
    await client.query('ROLLBACK').catch(() => {});
  }
}

/** Writes the file of what goes. Each attempt has a name of its own, so that no attempt spoils another's. */
export async function writeFile(
  client: ClientBase,
  objects: ObjectStore,
  plan: Plan,
  number: number,
  signal: AbortSignal | undefined,
): Promise<Manifest['file']> {
  const key = `log/${String(number).padStart(6, '0')}.${randomUUID()}.avro`;
  const { bytes, sha256 } = await objects.put(key, encodeContainer(rowsThatGo(client, plan, signal)));
  return { key, bytes, sha256 };
}

/** Reads the file back and compares it with the rows, event by event. Returns what its blocks hold; throws at a difference. */
export async function verifyFile(
  client: ClientBase,
  objects: ObjectStore,
  plan: Plan,
  file: Manifest['file'],
  signal: AbortSignal | undefined,
): Promise<BlockEntry[]> {
  const rows = rowsThatGo(client, plan, signal);
  const blocks: BlockEntry[] = [];
  const { sha256 } = await readBack(await objects.get(file.key), async (block) => {
    for (const event of block.events) {
      const { value: row } = await rows.next();
      if (!isDeepStrictEqual(event, row))
        throw new Error(`The archive differs from the log at position ${event.position}.`);
    }
    blocks.push(entryOf(block));
  });
  if ((await rows.next()).done !== true) throw new Error('The archive has fewer events than the log.');
  if (sha256 !== file.sha256) throw new Error('The archive has another hash than it was written with.');
  return blocks;
}

/** Where the manifest of a file is. */
export function manifestKeyOf({ key }: Manifest['file']): string {
  return key.replace(/\.avro$/, '.json');
}

/** Writes the manifest, which seals the file and the manifests before it, and reads it back. */
export async function sealArchive(
  objects: ObjectStore,
  file: Manifest['file'],
  blocks: BlockEntry[],
  number: number,
  previous: Archive | undefined,
): Promise<Archive> {
  const [first, last] = [blocks[0], blocks.at(-1)];
  if (first === undefined || last === undefined) throw new Error('An archive without events is none.');
  const manifest: Manifest = {
    format: 1,
    number,
    previous: previous?.manifestSha256 ?? null,
    archivedAt: new Date().toISOString(),
    file,
    events: blocks.reduce((sum, { events }) => sum + events, 0),
    firstPosition: first.firstPosition,
    lastPosition: last.lastPosition,
    blocks,
  };
  const written = writeManifest(manifest);
  const manifestKey = manifestKeyOf(file);
  await objects.put(manifestKey, pieces(written.text));
  parseManifest(await text(await objects.get(manifestKey)), written.sha256);
  return {
    number,
    manifestKey,
    manifestSha256: written.sha256,
    fileKey: file.key,
    fileBytes: file.bytes,
    events: manifest.events,
    firstPosition: manifest.firstPosition,
    lastPosition: manifest.lastPosition,
    archivedAt: manifest.archivedAt,
  };
}

async function* pieces(whole: string): AsyncGenerator<Buffer> {
  yield await Promise.resolve(Buffer.from(whole));
}
