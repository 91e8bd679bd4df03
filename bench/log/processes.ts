/** Whether several appending processes together keep the rate of one: they share the one lock that puts all appends in order. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { alternate, compare } from '../resp/rounds.ts';
import type { Print } from '../tools/figure.ts';

const program = path.join(import.meta.dirname, 'appender.ts');
const callersEach = 64;

interface Appender {
  /** Appends for so long; resolves with appends a second. */
  run(seconds: number): Promise<number>;
  stop(): Promise<void>;
}

export async function benchProcesses(
  print: Print,
  url: string,
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<void> {
  const appenders = await Promise.all([1, 2, 3, 4].map(() => startAppender(url)));
  try {
    const rate = async (count: number) => {
      const rates = await Promise.all(appenders.slice(0, count).map((appender) => appender.run(seconds)));
      return rates.reduce((sum, one) => sum + one, 0);
    };
    await rate(appenders.length);
    const [four = [], one = []] = await alternate([appenders.length, 1], rounds, rate);
    compare(print, { name: 'append.4-processes', peer: 'one process', unit: 'appends/s', atLeast: 0.9 }, four, one);
  } finally {
    await Promise.all(appenders.map((appender) => appender.stop()));
  }
}

async function startAppender(url: string): Promise<Appender> {
  const child = spawn(process.execPath, [program, url, String(callersEach)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error('an appending process ended');
    return value;
  };
  await answer();
  return {
    async run(seconds) {
      child.stdin.write(`${seconds}\n`);
      return Number(await answer());
    },
    async stop() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}
