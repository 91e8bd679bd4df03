import type { Effect } from '../../keyspace/journal.ts';
import { parseEntry } from '../aof/parse.ts';
import { checksum } from './checksum.ts';

/**
 * A record of the write-ahead log:
 *
 *     length  u32  bytes of the body
 *     crc     u32  CRC-32 of the body, seeded with the record's position, so that a record in a wrong place is found out
 *     body         kind u8, then
 *       batch:     position up to which the log was known to be on the disk u48, time in ms u48
 *       others:    id (length u8, bytes), epoch u48, sequence number within the node u48, then what the kind needs
 *         effects: effects one after another; those of one command or transaction are never divided between records
 *         empty:   nothing; the node has no data here: its history begins, or it was dropped or emptied
 *         replace: the name of the base (rest of the body) that takes the place of everything before
 *     effect       database u8, argument count varint, each argument with its length as varint before it; or a request as
 *                  it came from the client (it begins with '*'), of the database that a byte with its top bit set named before
 *
 * Numbers are little endian. Positions count the bytes of all records since the log was made.
 */
export const KIND = { batch: 1, effects: 2, empty: 3, replace: 4 } as const;

/** Added to the database that the requests after it are of. */
export const REQUESTS_OF = 128;
const ASTERISK = 42;

/** Length and checksum. */
export const HEADER_BYTES = 8;

/** Whether an id can stand in records and file names. */
export function isNodeId(id: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/.test(id);
}

/** A batch record read back. */
interface BatchRecord {
  readonly kind: 1;
  readonly position: number;
  readonly end: number;
  readonly syncedTo: number;
}

/** A record of a node read back. `payload` is valid until more is read. */
export interface NodeRecord {
  readonly kind: 2 | 3 | 4;
  readonly position: number;
  readonly end: number;
  readonly node: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly payload: Buffer;
}

export type LogRecord = BatchRecord | NodeRecord;

/** Reads the record at `at` of `bytes`: undefined when it is not whole or not right, or how many bytes it needs. */
export function readRecord(bytes: Buffer, at: number, position: number): LogRecord | { needs: number } | undefined {
  if (at + HEADER_BYTES > bytes.length) return { needs: HEADER_BYTES };
  const size = bytes.readUInt32LE(at);
  const start = at + HEADER_BYTES;
  if (size < 13) return undefined;
  if (start + size > bytes.length) return { needs: HEADER_BYTES + size };
  const kind = bytes[start];
  const idLength = bytes[start + 1]!;
  if (kind === KIND.batch ? size !== 13 : idLength > 100 || size < idLength + 14) return undefined;
  const body = bytes.subarray(start, start + size);
  if (checksum(bytes, start, start + size, position >>> 0) !== bytes.readUInt32LE(at + 4)) return undefined;
  const end = position + HEADER_BYTES + size;
  if (kind === KIND.batch) return { kind, position, end, syncedTo: body.readUIntLE(1, 6) };
  if (kind !== KIND.effects && kind !== KIND.empty && kind !== KIND.replace) return undefined;
  return {
    kind,
    position,
    end,
    node: body.toString('latin1', 2, 2 + idLength),
    epoch: body.readUIntLE(2 + idLength, 6),
    sequence: body.readUIntLE(8 + idLength, 6),
    payload: body.subarray(14 + idLength),
  };
}

/** The effects of a record whose checksum was right. */
export function effectsOf({ payload }: NodeRecord): Effect[] {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = payload[at++]!;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  const effects: Effect[] = [];
  let requestsOf = 0;
  while (at < payload.length) {
    const first = payload[at]!;
    if (first >= REQUESTS_OF) {
      requestsOf = first - REQUESTS_OF;
      at++;
      continue;
    }
    if (first === ASTERISK) {
      const request = parseEntry(payload, at, payload.length);
      if (request.kind !== 'command') throw new Error(`a request is not as it should be at byte ${at} of the record`);
      effects.push({ db: requestsOf, args: request.args });
      at = request.end;
      continue;
    }
    const db = payload[at++]!;
    const args: string[] = [];
    for (let count = varint(); count > 0; count--) {
      const size = varint();
      args.push(payload.toString('latin1', at, at + size));
      at += size;
    }
    effects.push({ db, args });
  }
  return effects;
}
