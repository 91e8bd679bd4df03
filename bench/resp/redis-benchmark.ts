import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { redisBinaries } from '#test/tools/redis-binaries.ts';
import { cpuMicroseconds } from '../tools/processes.ts';
import type { Target } from './target.ts';

const run = promisify(execFile);

/** What redis-benchmark is to do: one of its own tests, or a command. */
export interface Load {
  readonly name: string;
  readonly command: readonly ['-t', string] | readonly string[];
  readonly requests: number;
  readonly clients?: number;
  readonly pipeline?: number;
  /** Keys are chosen among so many. */
  readonly keyspace?: number;
  readonly valueBytes?: number;
}

export interface Sample {
  readonly perSecond: number;
  readonly p99_ms: number;
  /** CPU time of the server's processes for one operation. */
  readonly cpu_us: number;
}

/** Runs redis-benchmark once against a server. Rejects when it reports an error. */
export async function measure({ address, label, pids }: Target, load: Load): Promise<Sample> {
  const { benchmark, env } = await redisBinaries();
  const { command, requests, clients = 50, pipeline = 1, keyspace, valueBytes } = load;
  const args = ['-h', address.host, '-p', String(address.port), '--csv', '-n', String(requests), '-c', String(clients)];
  if (address.password !== undefined) args.push('--user', address.username ?? 'default', '-a', address.password);
  if (pipeline > 1) args.push('-P', String(pipeline));
  if (keyspace !== undefined) args.push('-r', String(keyspace));
  if (valueBytes !== undefined) args.push('-d', String(valueBytes));
  const processes = pids();
  const cpuBefore = await cpuMicroseconds(processes);
  const { stdout, stderr } = await run(benchmark, [...args, ...command], { env, timeout: 120_000 });
  const cpu = (await cpuMicroseconds(processes)) - cpuBefore;
  const fields =
    stdout
      .trim()
      .split('\n')
      .at(-1)
      ?.split('","')
      .map((field) => field.replaceAll('"', '')) ?? [];
  const [perSecond, p99_ms] = [Number(fields[1]), Number(fields[6])];
  if (!(perSecond > 0))
    throw new Error(`redis-benchmark ${command.join(' ')} against ${label} said: ${stdout}${stderr}`);
  return { perSecond, p99_ms, cpu_us: cpu / requests };
}
