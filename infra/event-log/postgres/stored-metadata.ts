import type { Metadata } from '#domains/kernel/envelope.ts';

import type { StoredEvent } from '../codec.ts';

/** Metadata without what has a column of its own. */
type Stored = Omit<StoredEvent['metadata'], 'tenantId'>;

/** The first byte of what is stored. Whoever changes the form gives it the next number, and keeps reading this one. */
const version = 1;
/** Stands for null where else the length of a text stands. */
const none = 0xffff;

/**
 * The form in the column `metadata`: the version, then kind and id of the actor, the ids of command, correlation and causation, and the
 * trace; each as its length in two bytes and UTF-8. Throws a RangeError when one is longer than 65,534 bytes.
 */
export function encodeMetadata({ actor, commandId, correlationId, causationId, trace }: Metadata): Buffer {
  const texts = [actor.kind, actor.id, commandId, correlationId, causationId, trace];
  let size = 1;
  for (const text of texts) size += 2 + (text === null ? 0 : Buffer.byteLength(text));
  const bytes = Buffer.allocUnsafe(size);
  let at = bytes.writeUInt8(version, 0);
  for (const text of texts) {
    const length = text === null ? none : bytes.write(text, at + 2);
    if (text !== null && length >= none) throw new RangeError('No part of the metadata may have 65,535 bytes or more.');
    at = bytes.writeUInt16BE(length, at) + (text === null ? 0 : length);
  }
  return bytes;
}

/** What `encodeMetadata` made. */
export function decodeMetadata(bytes: Buffer): Stored {
  if (bytes[0] !== version) {
    throw new Error(`The log holds metadata of version ${bytes[0]}, newer than this program; start a newer one.`);
  }
  let at = 1;
  const next = (): string | null => {
    const length = bytes.readUInt16BE(at);
    const begin = at + 2;
    at = length === none ? begin : begin + length;
    return length === none ? null : bytes.toString('utf8', begin, at);
  };
  const [kind, id, commandId, correlationId] = [next(), next(), next(), next()] as string[];
  return {
    actor: { kind: kind as Metadata['actor']['kind'], id: id ?? '' },
    commandId: commandId ?? '',
    correlationId: correlationId ?? '',
    causationId: next(),
    trace: next(),
  };
}
