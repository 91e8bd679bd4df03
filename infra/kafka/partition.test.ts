import * as fc from 'fast-check';
import { Partitioners } from 'kafkajs';
import { expect, test } from 'vitest';

import { partitionOf } from './partition.ts';

/** KafkaJS's own, which is that of the Java client. */
const others = Partitioners.DefaultPartitioner();

test('a key lies where other clients of Kafka look for it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.integer({ min: 1, max: 200 }), (key, count) => {
      const none = { partitionErrorCode: 0, leader: 0, replicas: [], isr: [] };
      const partitionMetadata = Array.from({ length: count }, (_, partitionId) => ({ ...none, partitionId }));
      const message = { key, value: null };
      expect(partitionOf(key, count)).toBe(others({ topic: 'any', partitionMetadata, message }));
    }),
    { numRuns: 2000 },
  );
});
