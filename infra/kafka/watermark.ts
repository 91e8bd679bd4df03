import { schemaId, schemaWithId } from '#schemas/ids.ts';
import { wire } from '#schemas/wire.ts';

import { frame, unframe } from './framing.ts';

/**
 * What lets a consumer put the partitions back into the one order of the log: every event up to the position lies below these
 * offsets. Whoever has read a partition so far knows that nothing with a lower position is still to come on it, however quiet it is.
 */
export interface Watermark {
  readonly epoch: bigint;
  readonly position: bigint;
  /** For each topic of events, the next offset of each partition. */
  readonly offsets: ReadonlyMap<string, readonly number[]>;
}

/** All watermarks have one key, so that compaction keeps the newest. */
export const watermarkKey = 'log';

export function encodeWatermark({ epoch, position, offsets }: Watermark): Buffer {
  const data = { epoch: Number(epoch), position: Number(position), offsets: Object.fromEntries(offsets) };
  const { schemaVersion, bytes } = wire.encode('Watermark', data);
  return frame(schemaId({ eventType: 'Watermark', version: schemaVersion }), bytes);
}

/** Throws a TypeError for a value that is none. */
export function decodeWatermark(value: Buffer | null): Watermark {
  const { schemaId: id, avro } = unframe(value);
  const schema = schemaWithId(id);
  if (schema?.eventType !== 'Watermark') throw new TypeError(`A record with the schema id ${id} is no watermark.`);
  const data = wire.decode('Watermark', schema.version, avro) as {
    epoch: number;
    position: number;
    offsets: Record<string, number[]>;
  };
  return { epoch: BigInt(data.epoch), position: BigInt(data.position), offsets: new Map(Object.entries(data.offsets)) };
}
