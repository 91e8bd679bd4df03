/**
 * The process that is fuzzed: an unrestricted engine and nothing else. It tells its port, and on request what it holds
 * when everything in it was let go; whatever is thrown ends it, as it would end an engine process.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createEngine } from '../engine.ts';
import { Node } from '../keyspace/node.ts';
import { rdbCodec } from '../persistence/codec.ts';
import { splitWords } from '../protocol/inline.ts';

const MEBIBYTE = 1_048_576;

/** All that sessions may leave behind. Given from within, since they may have changed who may enter. */
const EMPTYING = `FLUSHALL
SCRIPT FLUSH
FUNCTION FLUSH
SLOWLOG RESET
ACL LOG RESET
ACL SETUSER default reset on nopass ~* &* +@all
CONFIG RESETSTAT
CONFIG SET requirepass ""
LATENCY RESET`;
/** What ends with connections, and states that are kept a while, ends within this. */
const SETTLING_MS = 300;
/** An instance of WebAssembly is let go of in steps: a collection finds its wrapper dead, and one after that frees its memory. */
const COLLECTIONS = 4;

// With a limit, so that what a node can hold at most says nothing about a leak.
const node = new Node({ id: 'fuzzed', maxMemory: 64 * MEBIBYTE });
const engine = createEngine({
  defaultNode: node,
  codec: rdbCodec,
  limits: { queryBufferBytesMax: 16 * MEBIBYTE, bulkBytesMax: 8 * MEBIBYTE, outputBufferBytesMax: 32 * MEBIBYTE },
});

async function measure(): Promise<void> {
  // What was sent last before connections ended is run first, or it would leave something behind after all.
  await sleep(SETTLING_MS);
  for (const line of EMPTYING.split('\n')) await engine.execute(node, splitWords(line)!);
  let heldBytes = Infinity;
  for (let collections = 0; collections < COLLECTIONS; collections++) {
    await sleep(SETTLING_MS);
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    heldBytes = Math.min(heldBytes, heapUsed + external);
  }
  process.send!({ heldBytes });
}

process.on('message', () => void measure());
process.on('disconnect', () => process.exit(0));
process.send!({ port: await engine.listen({ port: 0 }) });
