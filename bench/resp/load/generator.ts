/** One process of the load generator: gets a plan, connects and fills the keys, says it is ready, runs, and tells what came of it. */
import { emptyHistogram, record } from '../../tools/histogram.ts';
import { bulk, openConnection, type LoadConnection, type Request } from './connection.ts';
import type { FromGenerator, Outcome, Plan, ToGenerator } from './plan.ts';

const CONNECTING_AT_ONCE = 100;
const say = (message: FromGenerator): void => void process.send?.(message);

/** Requests of the plan, made once; which comes next is as good as random. */
function requestsOf({ keys, valueBytes, writes }: Plan): { sets: Request[]; next: () => Request } {
  const value = 'x'.repeat(valueBytes);
  const names = Array.from({ length: keys }, (_, key) => `load:${String(key).padStart(10, '0')}`);
  const sets = names.map((name) => ({ text: bulk('SET', name, value), replyBytes: '+OK\r\n'.length }));
  const replyBytes = `$${valueBytes}\r\n${value}\r\n`.length;
  const gets = names.map((name) => ({ text: bulk('GET', name), replyBytes }));
  let random = process.pid | 1;
  const below = (limit: number): number => {
    random ^= random << 13;
    random ^= random >>> 17;
    random ^= random << 5;
    return (random >>> 0) % limit;
  };
  const next = (): Request => {
    const request = (below(1000) < writes * 1000 ? sets : gets)[below(keys)];
    if (request === undefined) throw new Error('unreachable: the index is below the length');
    return request;
  };
  return { sets, next };
}

async function prepare(plan: Plan): Promise<() => Promise<Outcome>> {
  const { sets, next } = requestsOf(plan);
  const latencies = emptyHistogram();
  const errors: string[] = [];
  const connections: LoadConnection[] = [];
  let operations = 0;
  let running = false;
  const answered = (connection: LoadConnection, due: number): void => {
    if (!running) return;
    const now = performance.now();
    record(latencies, now - due);
    operations += 1;
    if (plan.perSecond === undefined) connection.send(next(), now);
  };
  const failed = (message: string): void => void errors.push(message);
  const wanted = plan.targets.flatMap((target) => Array.from({ length: plan.connectionsPerTarget }, () => target));
  while (connections.length < wanted.length) {
    const some = wanted.slice(connections.length, connections.length + CONNECTING_AT_ONCE);
    connections.push(...(await Promise.all(some.map((target) => openConnection(target, answered, failed)))));
  }
  for (let first = 0; first < connections.length; first += plan.connectionsPerTarget) {
    for (const set of sets) connections[first]?.send(set, 0);
  }
  while (connections.some((connection) => connection.waiting().length > 0) && errors.length === 0) await nextTurn();

  return async () => {
    const began = performance.now();
    const ends = began + plan.seconds * 1000;
    running = true;
    if (plan.perSecond === undefined) {
      for (const connection of connections) connection.send(next(), performance.now());
      await new Promise((resolve) => setTimeout(resolve, plan.seconds * 1000));
    } else {
      const interval = 1000 / plan.perSecond;
      for (let sent = 0; performance.now() < ends; await nextTurn()) {
        for (let due = began + sent * interval; due <= performance.now(); due = began + ++sent * interval) {
          connections[sent % connections.length]?.send(next(), due);
        }
      }
    }
    running = false;
    const seconds = (performance.now() - began) / 1000;
    // What was left waiting has waited so long at least.
    const now = performance.now();
    for (const connection of connections) {
      for (const due of connection.waiting()) record(latencies, now - due);
      connection.close();
    }
    return { operations, seconds, latencies, errors: errors.slice(0, 10) };
  };
}

/** Turns instead of timers: a timer is late by up to a millisecond, more than most replies take. */
const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

let ready: Promise<() => Promise<Outcome>> | undefined;
process.on('message', (message: ToGenerator) => {
  if (message === 'go') void ready?.then(async (run) => say({ outcome: await run() })).then(() => process.disconnect());
  else ready = prepare(message.plan);
  void ready?.then(() => message !== 'go' && say('ready'));
});
process.on('disconnect', () => process.exit(0));
