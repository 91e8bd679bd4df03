/**
 * An engine that watches its own event loop, with two nodes: `AUTH big -` and `AUTH neighbour -`. Its parent sends `watch`, and
 * later `report`, and gets the Turns between the two. Both nodes have journals in one write-ahead log, as on the platform.
 */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createEngine } from '#workers/resp/engine.ts';
import { Node } from '#workers/resp/keyspace/node.ts';
import { rdbCodec } from '#workers/resp/persistence/codec.ts';
import { openWal } from '#workers/resp/persistence/wal/wal.ts';

/** How long the event loop was kept. */
export interface Turns {
  /** The longest turn, in milliseconds. */
  readonly longest_ms: number;
  /**
   * The longest in processor time of the thread and without what V8 collected: what else the machine does is not in it. The
   * system counts that time in ticks of up to 4 ms.
   */
  readonly work_ms: number;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

interface Turn extends Span {
  readonly processor_ms: number;
}

/** Turns shorter than this are not kept. */
const TURN_MIN_MS = 1;

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, durability: { type: 'string', default: 'everysec' } },
});
const nodes = new Map(['big', 'neighbour'].map((name) => [name, new Node({ id: `node_${name.padStart(26, '0')}` })]));
const engine = createEngine({
  codec: rdbCodec,
  authenticate({ username = '' }) {
    const node = nodes.get(username);
    return node === undefined ? {} : { node, privileged: false };
  },
});
const wal = await openWal({
  dir: await mkdtemp(join(process.cwd(), 'wal-')),
  apply: (made, db, args) => engine.applyJournaled(made, db, args),
});
for (const node of nodes.values()) {
  engine.adopt(node);
  if (values.durability === 'none') continue;
  await wal.openNode({ node, epoch: 1, durability: values.durability === 'always' ? 'always' : 'everysec' });
}

let collections: Span[] = [];
new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries()) {
    collections.push({ from: startTime, to: startTime + duration });
  }
}).observe({ entryTypes: ['gc'] });

let watching = false;
let turns: Turn[] = [];

function processor_ms(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Sees each turn of the event loop begin and end. */
function watch(from: number, processorFrom_ms = processor_ms()): void {
  setImmediate(() => {
    const to = performance.now();
    const processorTo_ms = processor_ms();
    if (to - from >= TURN_MIN_MS) turns.push({ from, to, processor_ms: processorTo_ms - processorFrom_ms });
    if (watching) watch(to, processorTo_ms);
  });
}

async function report(): Promise<Turns> {
  watching = false;
  // The observer is told of collections a little later.
  await sleep(20);
  const stops = collections;
  const within = ({ from, to }: Span): number =>
    stops.reduce((all, stop) => all + Math.max(0, Math.min(to, stop.to) - Math.max(from, stop.from)), 0);
  const most = (lengths: readonly number[]): number => lengths.reduce((a, b) => Math.max(a, b), 0);
  return {
    longest_ms: most(turns.map(({ from, to }) => to - from)),
    work_ms: most(turns.map((turn) => Math.min(turn.to - turn.from, turn.processor_ms) - within(turn))),
  };
}

process.on('message', (message) => {
  if (message === 'watch') {
    turns = [];
    collections = [];
    watching = true;
    watch(performance.now());
    process.send?.('watching');
  }
  if (message === 'report') void report().then((answer) => process.send?.(answer));
});
process.on('disconnect', () => process.exit(0));
await engine.listen({ port: Number(values.port) });
process.send?.('listening');
