import { crc64, updateCrc64 } from '../rdb/crc64.ts';
import { RdbOutput } from '../rdb/output.ts';

/** A ziplist as Redis built it, with strings of all three lengths and integers of all sizes. */
export function ziplist(elements: readonly (string | bigint)[]): Buffer {
  const parts: Buffer[] = [];
  let previous = 0;
  for (const element of elements) {
    const before = previous < 254 ? Buffer.from([previous]) : Buffer.concat([Buffer.from([254]), uint32(previous)]);
    const entry = Buffer.concat([
      before,
      typeof element === 'bigint' ? ziplistInteger(element) : ziplistString(element),
    ]);
    parts.push(entry);
    previous = entry.length;
  }
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(10);
  head.writeUInt32LE(body.length + 11, 0);
  head.writeUInt32LE(10 + body.length - previous, 4);
  head.writeUInt16LE(elements.length, 8);
  return Buffer.concat([head, body, Buffer.from([255])]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function ziplistString(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  const { length } = bytes;
  if (length < 64) return Buffer.concat([Buffer.from([length]), bytes]);
  if (length < 16_384) return Buffer.concat([Buffer.from([0x40 | (length >> 8), length & 255]), bytes]);
  const head = Buffer.alloc(5);
  head[0] = 0x80;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, bytes]);
}

function ziplistInteger(value: bigint): Buffer {
  if (value >= 0n && value <= 12n) return Buffer.from([0xf1 + Number(value)]);
  const sizes = [[1n, 0xfe], [2n, 0xc0], [3n, 0xf0], [4n, 0xd0], [8n, 0xe0]] as const; // prettier-ignore
  for (const [bytes, code] of sizes) {
    if (BigInt.asIntN(Number(bytes) * 8, value) !== value) continue;
    const all = Buffer.alloc(9);
    all[0] = code;
    all.writeBigInt64LE(value, 1);
    return all.subarray(0, 1 + Number(bytes));
  }
  throw new Error('unreachable: a 64-bit integer fits into eight bytes');
}

/** A DUMP payload of a version, from its type and body. */
export function payload(type: number, write: (out: RdbOutput) => void, version = 9): string {
  const out = new RdbOutput();
  out.byte(type);
  write(out);
  out.uint16(version);
  const body = Buffer.concat(out.take(true));
  const crc = crc64();
  updateCrc64(crc, body);
  return Buffer.concat([body, uint32(crc.low), uint32(crc.high)]).toString('latin1');
}
