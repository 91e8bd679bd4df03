import { hash } from 'node:crypto';

import type { EncodedAppend } from '../codec.ts';

const digestBytes = 16;

/**
 * Tells appends of one command apart that say different things: a digest of streams, types, schema versions and data in their order.
 * It is kept beside the log, so a repeat is judged without its events, which may be in the archive.
 */
export function contentOf({ streams }: EncodedAppend): Buffer {
  let said = '';
  let bytes = 0;
  for (const { stream, events } of streams) {
    for (const { type, schemaVersion, data } of events) {
      // With the lengths said, no two lists run together to the same bytes.
      said += `${stream.length} ${stream} ${type} ${schemaVersion} ${data.length} `;
      bytes += data.length;
    }
  }
  const all = Buffer.allocUnsafe(3 * said.length + bytes);
  let end = all.write(said);
  for (const { events } of streams) for (const { data } of events) end += data.copy(all, end);
  // As a buffer it would take three times as long.
  return Buffer.from(hash('sha256', all.subarray(0, end), 'hex').slice(0, 2 * digestBytes), 'hex');
}
