import { categoryOf } from '#domains/kernel/envelope.ts';

import type { Codec } from './codec.ts';
import { eventIdOf } from './event-ids.ts';

/**
 * Events as plain JSON, without schemas and without encryption: for a project that has neither, and as the smallest example of a
 * codec. Keys are written in the order they come in, so a repeat must build its data in the same order.
 */
export const jsonCodec: Codec = {
  encode({ commandUid, metadata, streams }) {
    let index = 0;
    const address = metadata.address === null ? null : Buffer.from(metadata.address);
    return Promise.resolve({
      commandUid,
      metadata,
      streams: streams.map(({ stream, expectedVersion, events }) => ({
        stream,
        category: categoryOf(stream),
        expectedVersion,
        events: events.map(({ type, data }) => ({
          eventId: eventIdOf(commandUid, index++),
          type,
          schemaVersion: 1,
          address,
          data: Buffer.from(JSON.stringify(data)),
        })),
      })),
    });
  },
  decode(events) {
    return Promise.resolve(
      events.map(({ address, data, metadata, ...place }) => ({
        ...place,
        data: JSON.parse(data.toString('utf8')) as unknown,
        metadata: { ...metadata, address: address?.toString('utf8') ?? null },
      })),
    );
  },
};
