import { atOnce } from '../keyspace/steps.ts';
import type { ValueCodec } from '../keyspace/codec.ts';
import type { EncodingLimits } from '../keyspace/sizes.ts';
import type { Value } from '../keyspace/value.ts';
import { crc64, updateCrc64 } from './rdb/crc64.ts';
import type { Crc64 } from './rdb/crc64.ts';
import { OPCODE, RDB_VERSION, RDB_VERSION_MAX, RdbError } from './rdb/format.ts';
import { RdbInput } from './rdb/input.ts';
import { RdbOutput } from './rdb/output.ts';
import { readValue } from './rdb/read-value.ts';
import { typeByte, writeBodySliced } from './rdb/write-value.ts';
import { writeLibraries } from './rdb/write.ts';

const FOOTER = 10;
/** Bytes of a payload that are copied and summed from one step to the next. */
const AT_ONCE = 32_768;

/** DUMP and RESTORE payloads as Redis 7.0 writes them; payloads of newer versions are read as long as the type is known. */
export const rdbCodec: ValueCodec = {
  serializeValue: (value) => atOnce(serializeInSteps(value)).join(''),
  serializeInSteps,
  deserializeValue: (payload, limits) => atOnce(deserializeInSteps(payload, limits)),
  deserializeInSteps,
  serializeLibraries,
  deserializeLibraries,
};

function* serializeInSteps(value: Value): Generator<void, readonly string[]> {
  const out = new RdbOutput();
  const crc = crc64();
  const pieces: string[] = [];
  const takeFull = (all: boolean): void => {
    for (const chunk of out.take(all)) {
      updateCrc64(crc, chunk);
      pieces.push(chunk.toString('latin1'));
    }
  };
  out.byte(typeByte(value));
  for (const _ of writeBodySliced(out, value)) {
    takeFull(false);
    yield;
  }
  takeFull(true);
  pieces.push(footerOf(crc));
  return pieces;
}

/** Version and checksum, which follow a body; `crc` is that of the body. */
function footerOf(crc: Crc64): string {
  const footer = Buffer.alloc(FOOTER);
  footer.writeUInt16LE(RDB_VERSION, 0);
  updateCrc64(crc, footer, 0, 2);
  footer.writeUInt32LE(crc.low, 2);
  footer.writeUInt32LE(crc.high, 6);
  return footer.toString('latin1');
}

/** Adds version and checksum to a payload. */
export function sealPayload(body: string): string {
  const crc = crc64();
  updateCrc64(crc, Buffer.from(body, 'latin1'));
  return body + footerOf(crc);
}

function* deserializeInSteps(payload: string, limits?: EncodingLimits): Generator<void, Value | undefined> {
  const input = yield* opened(payload);
  if (input === undefined || input.left < 2) return undefined;
  try {
    const reading = readValue(input, input.byte(), limits);
    for (;;) {
      const step = reading.next();
      if (step.done === true) return input.left === 0 ? step.value : undefined;
      yield;
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
  const input = atOnce(opened(payload));
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
function* opened(payload: string): Generator<void, RdbInput | undefined> {
  const end = payload.length - FOOTER;
  if (end < 0) return undefined;
  const bytes = Buffer.allocUnsafeSlow(payload.length);
  const crc = crc64();
  for (let at = 0; at < end + 2; at += AT_ONCE) {
    const next = Math.min(end + 2, at + AT_ONCE);
    bytes.write(payload.slice(at, next), at, 'latin1');
    updateCrc64(crc, bytes, at, next);
    if (next < end) yield;
  }
  bytes.write(payload.slice(end + 2), end + 2, 'latin1');
  if (bytes.readUInt16LE(end) > RDB_VERSION_MAX) return undefined;
  if (bytes.readUInt32LE(end + 2) !== crc.low || bytes.readUInt32LE(end + 6) !== crc.high) return undefined;
  return new RdbInput(bytes.subarray(0, end));
}
