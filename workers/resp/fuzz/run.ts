import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from '../conformance/generate.ts';
import { openWire } from '../conformance/wire.ts';
import { damagedPayloads, damagedRequests, diceOf, rawBytes, wildCommands } from './inputs.ts';
import type { Input } from './inputs.ts';

/** Connections that fuzz at the same time. */
const CONNECTIONS = 8;
/** Messages of a connection before it ends, at most. */
const MESSAGES_MAX = 40;
/**
 * A hang is no answer on a connection of one's own while the engine works for so long, or for so long whatever it does: on a
 * machine that is busy with others an engine may wait for its turn, which is no hang.
 */
const HANG_CPU_MS = 5000;
const HANG_MS = 60_000;
/** After so long everything is emptied and what is still held is measured. */
const ROUND_MS = 8000;
const GROWTH_MAX_BYTES = 24 * 1_048_576;

/** What a run found out. */
export interface FuzzResult {
  readonly sessions: number;
  readonly bytes: number;
  /** Bytes held after each round, when all keys, scripts and connections were gone. */
  readonly heldBytes: readonly number[];
  /** What went wrong, with the seeds that were at work. */
  readonly problem?: string;
}

/** Commands that fill keys of every type, whose payloads are then damaged. */
const FILL = [
  ['SET', 'p1', 'text'], ['SET', 'p2', '12345'], ['RPUSH', 'p3', 'a', '1', 'x'.repeat(100)], ['SADD', 'p4', '1', '2', '70000'], ['SADD', 'p5', 'a', 'b'],
  ['HSET', 'p6', 'f', 'v', 'g', '1'], ['ZADD', 'p7', '1', 'a', '2.5', 'b', 'inf', 'c'], ['XADD', 'p8', '1-1', 'f', 'v'], ['XADD', 'p8', '2-1', 'f', 'w', 'h', 'u'],
  ['XGROUP', 'CREATE', 'p8', 'g', '0'], ['XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 'p8', '>'], ['PFADD', 'p9', 'a', 'b', 'c'],
]; // prettier-ignore

/**
 * Fuzzes an engine in a process of its own for a time, and stops at the first crash, hang or growth of memory.
 * The same seed makes the same sessions, though not the same interleaving of them.
 */
export async function fuzz(durationMs: number, firstSeed: number): Promise<FuzzResult> {
  const child = fork(new URL('target.ts', import.meta.url), {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const errors: string[] = [];
  child.stderr!.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  const { commands, payloads } = await prepare(port);
  const active = new Set<number>();
  const heldBytes: number[] = [];
  let sessions = 0;
  let bytes = 0;
  let problem: string | undefined;
  const fail = (what: string): void => {
    problem ??= `${what} The sessions at work had the seeds ${[...active].join(', ')}.\n${errors.join('').slice(-4000)}`;
  };
  child.once('exit', (code, signal) => fail(`The engine ended (${signal ?? code}).`));

  const endsAt = Date.now() + durationMs;
  const going = (): boolean => problem === undefined && Date.now() < endsAt;
  const fuzzUntil = async (roundEnds: number): Promise<void> => {
    while (going() && Date.now() < roundEnds) {
      const seed = firstSeed + sessions++;
      active.add(seed);
      bytes += await session(port, seed, commands, payloads);
      active.delete(seed);
    }
  };
  while (going()) {
    const roundEnds = Math.min(endsAt, Date.now() + ROUND_MS);
    const watching = watch(port, child.pid ?? 0, () => going() && Date.now() < roundEnds, fail);
    await Promise.all([watching, ...Array.from({ length: CONNECTIONS }, () => fuzzUntil(roundEnds))]);
    if (problem === undefined) heldBytes.push(await emptied(child, fail));
    const [first] = heldBytes;
    if (first !== undefined && heldBytes.at(-1)! > first + GROWTH_MAX_BYTES)
      fail(`Memory grows: ${heldBytes.map((held) => Math.round(held / 1_048_576)).join(', ')} MiB.`);
  }
  child.removeAllListeners('exit');
  if (child.exitCode === null && child.signalCode === null) {
    child.disconnect();
    await once(child, 'exit');
  }
  return { sessions, bytes, heldBytes, ...(problem === undefined ? {} : { problem }) };
}

/** Reads the names of all commands, and payloads of every type. */
async function prepare(port: number): Promise<{ commands: string[]; payloads: string[] }> {
  const wire = await openWire(port);
  await wire.batch(FILL);
  const [list] = await wire.batch([['COMMAND', 'LIST']]);
  const names = [...list!.matchAll(/\$\d+\r\n([^\r]+)\r\n/g)].map((match) => match[1]!);
  const dumps = await wire.batch(Array.from({ length: 9 }, (_, i) => ['DUMP', `p${i + 1}`]));
  wire.close();
  return { commands: names, payloads: dumps.map((dump) => dump.slice(dump.indexOf('\r\n') + 2, -2)) };
}

/** One connection: sends messages of one kind in pieces, takes whatever comes back, and leaves without a word. */
async function session(
  port: number,
  seed: number,
  commands: readonly string[],
  payloads: readonly string[],
): Promise<number> {
  const random = seeded(seed);
  const dice = diceOf(random);
  const input: Input = dice.pick([
    () => rawBytes(dice),
    () => damagedRequests(random),
    () => wildCommands(random, commands),
    () => wildCommands(random, commands),
    () => damagedPayloads(random, payloads),
  ])();
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.on('data', () => undefined);
  let sent = 0;
  for (let messages = dice.below(MESSAGES_MAX); messages >= 0 && !socket.destroyed; messages--) {
    const message = input();
    sent += message.length;
    const cut = dice.below(4) === 0 ? dice.below(message.length) : message.length;
    socket.write(message.slice(0, cut), 'latin1');
    if (cut < message.length) {
      await sleep(1);
      if (!socket.destroyed) socket.write(message.slice(cut), 'latin1');
    }
    if (dice.below(3) === 0) await sleep(dice.below(5));
  }
  await sleep(5);
  socket.destroy();
  return sent;
}

/** Asks again and again on a connection of its own, which must be answered in time whatever the others do. */
async function watch(port: number, pid: number, going: () => boolean, fail: (what: string) => void): Promise<void> {
  while (going()) {
    const hung = new AbortController();
    const [wall, cpu] = [performance.now(), cpuMs(pid)];
    const spent = () => [performance.now() - wall, cpuMs(pid) - cpu] as const;
    const looking = setInterval(() => {
      const [wallMs, workedMs] = spent();
      if (wallMs >= HANG_MS || workedMs >= HANG_CPU_MS) hung.abort();
    }, 200);
    // One of those who fuzz may have killed the connection, which is no answer, and no hang either.
    while (going() && !hung.signal.aborted && !(await answers(port, hung.signal)));
    clearInterval(looking);
    const [wallMs, workedMs] = spent().map(Math.round);
    if (hung.signal.aborted) fail(`No answer within ${wallMs} ms, for ${workedMs} of which the engine worked.`);
    await sleep(50);
  }
}

/** Whether the engine answers; false also when it ends the connection, and when it is not waited for any more. */
async function answers(port: number, signal: AbortSignal): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const heard = new AbortController();
  const both = { signal: AbortSignal.any([signal, heard.signal]) };
  try {
    // Any answer is one: a script may be running, or a password be set.
    socket.write('PING\r\n');
    return await Promise.race([
      once(socket, 'data', both).then(() => true),
      once(socket, 'close', both).then(() => false),
    ]);
  } catch {
    return false;
  } finally {
    heard.abort();
    socket.destroy();
  }
}

/** The CPU time a process has used, in milliseconds; where there is no /proc, the time that has passed. */
function cpuMs(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // utime and stime, in hundredths of a second.
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return performance.now();
  }
}

/** Has the engine let go of everything, and tells what it still holds. */
async function emptied(child: ChildProcess, fail: (what: string) => void): Promise<number> {
  if (!child.connected) return 0;
  child.send('measure');
  try {
    const [{ heldBytes }] = (await once(child, 'message', { signal: AbortSignal.timeout(HANG_MS) })) as [{ heldBytes: number }]; // prettier-ignore
    return heldBytes;
  } catch (error) {
    fail(`It can't be emptied: ${String(error)}`);
    return 0;
  }
}
