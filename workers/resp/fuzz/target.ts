/**
 * The process that is fuzzed: an unrestricted engine and nothing else. It tells its port, and on request what it holds
 * after garbage collection; whatever is thrown ends it, as it would end a node manager.
 */
import { createEngine } from '../engine.ts';
import { Node } from '../keyspace/node.ts';
import { rdbCodec } from '../persistence/codec.ts';

const MEBIBYTE = 1_048_576;

const engine = createEngine({
  // With a limit, so that what a node can hold at most says nothing about a leak.
  defaultNode: new Node({ id: 'fuzzed', maxMemory: 64 * MEBIBYTE }),
  codec: rdbCodec,
  limits: { queryBufferBytesMax: 16 * MEBIBYTE, bulkBytesMax: 8 * MEBIBYTE, outputBufferBytesMax: 32 * MEBIBYTE },
});

process.on('message', () => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  process.send!({ heldBytes: heapUsed + external });
});
process.on('disconnect', () => process.exit(0));
process.send!({ port: await engine.listen({ port: 0 }) });
