import { createEngine } from '../engine.ts';
import { Node } from '../keyspace/node.ts';
import { rdbCodec } from '../persistence/codec.ts';
import { loadRdb } from '../persistence/load.ts';
import { snapshotRdb } from '../persistence/snapshot.ts';
import { RequestParser } from '../protocol/parser.ts';
import { writeRequest } from '../protocol/request.ts';
import { memoryWorkloads } from './memory-workloads.ts';

/**
 * Fills a node as the workload named in the first argument says, and prints what the process has grown by after garbage
 * collection and what the node's accounting says; then the same of a copy loaded from its RDB file. The second argument
 * is a scale. Started with --expose-gc, once for each workload: what was there before can't go meanwhile.
 */
const [wanted, scale] = process.argv.slice(2);
const engine = createEngine({ codec: rdbCodec });

const READ_BYTES = 65_536;

/** A request as it comes off a socket: its strings are flat and on V8's heap by themselves, its large values are in chunks. */
function asRead(words: readonly string[]): readonly string[] {
  const parser = new RequestParser(2 ** 29);
  const bytes = Buffer.from(writeRequest(words), 'latin1');
  for (let at = 0; ; at += READ_BYTES) {
    parser.feed(bytes.subarray(at, at + READ_BYTES), Math.min(READ_BYTES, bytes.length - at));
    const request = parser.next();
    if (Array.isArray(request)) return request;
    parser.rest();
  }
}

async function collected(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    // Buffers are let go of in a later turn.
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function filled(fill: (typeof memoryWorkloads)[number]['fill'], size: number): Promise<Node> {
  const node = new Node({ id: 'measured' });
  await fill((...args) => engine.execute(node, asRead(args)), size);
  return node;
}

async function loaded(from: Node): Promise<Node> {
  const target = new Node({ id: 'loaded' });
  await loadRdb(snapshotRdb(from).stream, target, Date.now());
  return target;
}

/** Compiles the code that will run; in a function of its own, whose end lets go of what it made. */
async function warmUp(fill: (typeof memoryWorkloads)[number]['fill']): Promise<void> {
  await loaded(await filled(fill, 0.02));
}

const workload = memoryWorkloads.find(({ name }) => name === wanted);
if (workload === undefined) throw new Error(`There is no workload '${wanted}'; see memory-workloads.ts.`);
await warmUp(workload.fill);
const before = await collected();
const node = await filled(workload.fill, Number(scale));
const after = await collected();
const copy = await loaded(node);
const end = await collected();
console.log(
  JSON.stringify({
    growth: after - before,
    used: node.usedBytes,
    growthLoaded: end - after,
    usedLoaded: copy.usedBytes,
  }),
);
await engine.close();
