import type { StoredEvent } from '../codec.ts';
import { decodeMetadata } from './stored-metadata.ts';

/** Signature, flags and the length of an extension that there is none of; see the PostgreSQL documentation of COPY. */
const headerBytes = 19;
/** Stands for null where else the length of a value stands. */
const none = -1;
/** PostgreSQL counts from 2000, JavaScript from 1970. */
const epochMs = Date.UTC(2000, 0, 1);
const twoTo32 = 2 ** 32;

/** The events in what COPY gave out, in the order of `eventColumns`. Read in place: of their bytes nothing is copied. */
export function copiedEvents(bytes: Buffer): StoredEvent[] {
  const events: StoredEvent[] = [];
  let at = headerBytes;
  let [timeHigh, timeLow, recordedAt] = [0, 0, ''];
  let [metadataFrom, metadataTo] = [0, 0];
  let metadata: ReturnType<typeof decodeMetadata> | null = null;

  /** Steps over the length of a value, and tells it. */
  const next = (): number => {
    at += 4;
    return bytes.readInt32BE(at - 4);
  };
  const name = (): string | null => {
    const length = next();
    if (length === none) return null;
    at += length;
    return known(bytes, at - length, at);
  };
  const buffer = (): Buffer | null => {
    const length = next();
    if (length === none) return null;
    at += length;
    return bytes.subarray(at - length, at);
  };

  // Each row begins with how many columns it has; after the last one comes -1.
  while (bytes.readInt16BE(at) !== none) {
    const position = bytes.readBigInt64BE(at + 6);
    const eventId = uuidAt(bytes, at + 18);
    at += 34;
    const streamBytes = next();
    const stream = bytes.toString('utf8', at, at + streamBytes);
    at += streamBytes;
    const version = bytes.readInt32BE(at + 4);
    at += 8;
    const type = name() ?? '';
    const schemaVersion = bytes.readInt32BE(at + 4);
    // Events that were appended together have one time.
    const [high, low] = [bytes.readInt32BE(at + 12), bytes.readUInt32BE(at + 16)];
    if (high !== timeHigh || low !== timeLow || recordedAt === '') {
      [timeHigh, timeLow] = [high, low];
      recordedAt = new Date(epochMs + (high * twoTo32 + low) / 1000).toISOString();
    }
    at += 20;
    const tenantId = name();
    const metadataBytes = next();
    // ... and those of one append have the same metadata.
    if (metadata === null || bytes.compare(bytes, metadataFrom, metadataTo, at, at + metadataBytes) !== 0) {
      metadata = decodeMetadata(bytes.subarray(at, at + metadataBytes));
      [metadataFrom, metadataTo] = [at, at + metadataBytes];
    }
    at += metadataBytes;
    const address = buffer();
    const data = buffer() ?? Buffer.alloc(0);
    const { actor, commandId, correlationId, causationId, trace } = metadata;
    events.push({
      position,
      eventId,
      stream,
      version,
      type,
      schemaVersion,
      recordedAt,
      address,
      data,
      metadata: { actor, commandId, correlationId, causationId, trace, tenantId },
    });
  }
  return events;
}

const hexDigits = Buffer.from('0123456789abcdef');
const uuid = Buffer.from('00000000-0000-0000-0000-000000000000');

function uuidAt(bytes: Buffer, at: number): string {
  for (let from = at, to = 0; to < uuid.length; from += 1, to += 2) {
    if (to === 8 || to === 13 || to === 18 || to === 23) to += 1;
    const byte = bytes[from] ?? 0;
    uuid[to] = hexDigits[byte >> 4] ?? 0;
    uuid[to + 1] = hexDigits[byte & 15] ?? 0;
  }
  return uuid.toString('latin1');
}

/** Names come again and again: one that was seen lately is found without a new string. */
const names: string[] = Array.from({ length: 1024 }, () => '');

function known(bytes: Buffer, from: number, to: number): string {
  const length = to - from;
  let [sum, all] = [length, 0];
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    sum = (sum * 31 + byte) & 0xffff;
    all |= byte;
  }
  // Beyond ASCII a text has other characters than bytes.
  if (all > 0x7f) return bytes.toString('utf8', from, to);
  const place = sum & (names.length - 1);
  const name = names[place] ?? '';
  if (name.length === length) {
    let n = 0;
    while (n < length && name.charCodeAt(n) === bytes[from + n]) n += 1;
    if (n === length) return name;
  }
  const text = bytes.toString('latin1', from, to);
  names[place] = text;
  return text;
}
