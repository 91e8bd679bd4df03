/** Commands on one stream that is long already: with its state kept, against the stream read whole for each command. */
import { randomUUID } from 'node:crypto';
import type { Decider, DomainEvent } from '#domains/kernel/decider.ts';
import { execute, loadState, step, systemRequest } from '#infra/commands/execute.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import { appendOf, openLog, said } from '#infra/event-log/testing/log-under-test.ts';
import { alternate, compare } from '../resp/rounds.ts';
import type { BenchOptions, Print } from '../tools/figure.ts';
import { startServer } from './server.ts';
import { ourDatabase } from './store.ts';

const stream = 'node-hot';

const counter: Decider<{ type: 'Add'; data: null }, DomainEvent, number> = {
  initialState: 0,
  decide: (_command, count) => [said(`number ${count}`)],
  evolve: (count) => count + 1,
};

/** The log as a process sees it that has just started, and finds no snapshots. */
function forgetful(log: EventLog): EventLog {
  const { snapshots, ...plain } = log;
  return snapshots === undefined ? log : plain;
}

export async function benchHotStream(print: Print, { rounds, quick }: BenchOptions): Promise<void> {
  const length = quick ? 2000 : 10_000;
  const server = await startServer();
  const under = openLog(await ourDatabase(server));
  try {
    for (let n = 0; n < length; n += 500) {
      await under.log.append(
        appendOf([stream, 'any', ...Array.from({ length: 500 }, (_, m) => said(`event ${n + m}`))]),
      );
    }
    const ways = [() => under.log, () => forgetful(under.log)];
    const [own = [], whole = []] = await alternate(ways, rounds, (log) => load(log, quick ? 1 : 3));
    const of = (pick: keyof Sample) => [own.map((one) => one[pick]), whole.map((one) => one[pick])] as const;
    compare(print, { name: 'hot-stream', peer: 'read whole', unit: 'commands/s', atLeast: 10 }, ...of('perSecond'));
    compare(print, { name: 'hot-stream.cpu', peer: 'read whole', unit: 'ms/command', atMost: 0.1 }, ...of('cpu_ms'));

    // What a process that has just started takes for its first look at the stream.
    const starts = [() => ({ ...under.log }), () => forgetful(under.log)];
    const [late = [], slow = []] = await alternate(starts, rounds * 4, async (log) => {
      const began = performance.now();
      await loadState(log(), stream, counter);
      return performance.now() - began;
    });
    compare(print, { name: 'hot-stream.first', peer: 'read whole', unit: 'ms', atMost: 0.5 }, late, slow);
  } finally {
    await under.close();
    await server.stop();
  }
}

interface Sample {
  readonly perSecond: number;
  /** Processor time of this process for a command; that of PostgreSQL is not in it. */
  readonly cpu_ms: number;
}

/** One after the other: on one stream, those made at the same moment would take turns anyway. */
async function load(log: () => EventLog, seconds: number): Promise<Sample> {
  const began = performance.now();
  const used = process.cpuUsage();
  let count = 0;
  for (; performance.now() - began < seconds * 1000; count += 1) {
    const request = systemRequest({
      action: 'node.add',
      actor: 'bench',
      commandId: randomUUID(),
      target: { kind: 'node', id: 'hot' },
      tenantId: null,
      correlationId: 'bench',
      causationId: null,
    });
    const add = step({ stream, decider: counter, command: { type: 'Add', data: null } });
    const { outcome } = await execute(log(), request, [add]);
    if (outcome !== 'accepted') throw new Error(`a command was ${outcome}`);
  }
  const took_ms = performance.now() - began;
  const { user, system } = process.cpuUsage(used);
  return { perSecond: (count * 1000) / took_ms, cpu_ms: (user + system) / 1000 / count };
}
