import { createHash } from 'node:crypto';

import { categoryOf } from '#domains/kernel/envelope.ts';
import { z } from 'zod';

import { bloomOf } from './bloom.ts';
import type { Block } from './container.ts';

/** Positions are 64-bit, which a JSON number is not for every reader. */
const position = z
  .string()
  .regex(/^\d{1,19}$/)
  .transform(BigInt);
const bits = z.base64().transform((text): Buffer => Buffer.from(text, 'base64'));
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const Entry = z.strictObject({
  offset: z.int(),
  bytes: z.int(),
  sha256,
  events: z.int(),
  firstPosition: position,
  lastPosition: position,
  firstRecordedAt: z.iso.datetime(),
  lastRecordedAt: z.iso.datetime(),
  categories: z.array(z.string()),
  types: z.array(z.string()),
  /** Bloom filters of the tenants' ids and the streams' names; see bloom.ts. */
  tenants: bits,
  streams: bits,
});

const Manifest = z.strictObject({
  format: z.literal(1),
  /** Manifests are numbered from 1, and each names the hash of the one before. */
  number: z.int(),
  previous: sha256.nullable(),
  archivedAt: z.iso.datetime(),
  file: z.strictObject({ key: z.string(), bytes: z.int(), sha256 }),
  events: z.int(),
  firstPosition: position,
  lastPosition: position,
  blocks: z.array(Entry),
});

/** What one archive holds, block by block: the file's hash, and enough of each block to know whether to read it. */
export type Manifest = z.output<typeof Manifest>;

/** What is known of one block without reading it. */
export type BlockEntry = z.output<typeof Entry>;

/** The entry of a block that was read; blocks have at least one event, and these stand in the order of their positions. */
export function entryOf({ offset, bytes, sha256, events }: Block): BlockEntry {
  const [first, last] = [events[0], events.at(-1)];
  if (first === undefined || last === undefined) throw new Error('A block of the archive is empty.');
  const tenants = events.flatMap(({ metadata: { tenantId } }) => (tenantId === null ? [] : [tenantId]));
  return {
    offset,
    bytes,
    sha256,
    events: events.length,
    firstPosition: first.position,
    lastPosition: last.position,
    firstRecordedAt: first.recordedAt,
    lastRecordedAt: last.recordedAt,
    categories: [...new Set(events.map(({ stream }) => categoryOf(stream)))].toSorted(),
    types: [...new Set(events.map(({ type }) => type))].toSorted(),
    tenants: bloomOf(new Set(tenants)),
    streams: bloomOf(new Set(events.map(({ stream }) => stream))),
  };
}

/** A manifest as it is stored, and its hash, which the next one names. */
export function writeManifest(manifest: Manifest): { text: string; sha256: string } {
  const text = JSON.stringify(manifest, (_key, value: unknown) => {
    if (typeof value === 'bigint') return value.toString();
    // A Buffer has become what its own toJSON makes of it by now.
    if (typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer' && 'data' in value) {
      return Buffer.from(value.data as number[]).toString('base64');
    }
    return value;
  });
  return { text, sha256: hashOf(text) };
}

/** Throws unless the text is a manifest, and the very one that has this hash. */
export function parseManifest(text: string, expectedSha256: string): Manifest {
  if (hashOf(text) !== expectedSha256) throw new Error('The manifest was changed: its hash is not the recorded one.');
  return Manifest.parse(JSON.parse(text));
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
