import type { ValueCodec } from '../keyspace/codec.ts';
import type { EncodingLimits } from '../keyspace/sizes.ts';
import type { Value } from '../keyspace/value.ts';
import { crc64, updateCrc64 } from './rdb/crc64.ts';
import { OPCODE, RDB_VERSION, RDB_VERSION_MAX, RdbError } from './rdb/format.ts';
import { RdbInput } from './rdb/input.ts';
import { RdbOutput } from './rdb/output.ts';
import { readValue } from './rdb/read-value.ts';
import { typeByte, writeBody } from './rdb/write-value.ts';
import { writeLibraries } from './rdb/write.ts';

const FOOTER = 10;

/** DUMP and RESTORE payloads as Redis 7.0 writes them; payloads of newer versions are read as long as the type is known. */
export const rdbCodec: ValueCodec = {
  serializeValue,
  deserializeValue,
  serializeLibraries,
  deserializeLibraries,
};

function serializeValue(value: Value): string {
  const out = new RdbOutput();
  out.byte(typeByte(value));
  writeBody(out, value);
  return sealPayload(Buffer.concat(out.take(true)).toString('latin1'));
}

/** Adds version and checksum to a payload. */
export function sealPayload(body: string): string {
  const payload = Buffer.from(`${body}${String.fromCharCode(RDB_VERSION & 255, RDB_VERSION >> 8)}`, 'latin1');
  const crc = crc64();
  updateCrc64(crc, payload);
  const footer = Buffer.alloc(8);
  footer.writeUInt32LE(crc.low, 0);
  footer.writeUInt32LE(crc.high, 4);
  return payload.toString('latin1') + footer.toString('latin1');
}

function deserializeValue(payload: string, limits?: EncodingLimits): Value | undefined {
  const input = opened(payload);
  if (input === undefined || input.left < 2) return undefined;
  try {
    const reading = readValue(input, input.byte(), limits);
    for (;;) {
      const step = reading.next();
      if (step.done === true) return input.left === 0 ? step.value : undefined;
    }
  } catch (error) {
    if (error instanceof RdbError) return undefined;
    throw error;
  }
}

function serializeLibraries(codes: readonly string[]): string {
  const out = new RdbOutput();
  writeLibraries(out, codes);
  return sealPayload(Buffer.concat(out.take(true)).toString('latin1'));
}

function deserializeLibraries(payload: string): readonly string[] | string {
  const input = opened(payload);
  if (input === undefined) return 'DUMP payload version or checksum are wrong';
  const codes: string[] = [];
  try {
    while (input.left > 0) {
      const opcode = input.byte();
      if (opcode === OPCODE.functionPreGa) return 'Pre-GA function format not supported';
      if (opcode !== OPCODE.function2) return 'given type is not a function';
      codes.push(input.string());
    }
  } catch (error) {
    if (error instanceof RdbError) return 'Failed loading library payload';
    throw error;
  }
  return codes;
}

/** What is before a payload's footer; undefined when the version or the checksum is wrong. */
function opened(payload: string): RdbInput | undefined {
  const bytes = Buffer.from(payload, 'latin1');
  const end = bytes.length - FOOTER;
  if (end < 0 || bytes.readUInt16LE(end) > RDB_VERSION_MAX) return undefined;
  const crc = crc64();
  updateCrc64(crc, bytes, 0, end + 2);
  if (bytes.readUInt32LE(end + 2) !== crc.low || bytes.readUInt32LE(end + 6) !== crc.high) return undefined;
  return new RdbInput(bytes.subarray(0, end));
}
