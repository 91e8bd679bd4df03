/** How many clients a second can connect, AUTH, PING and leave: the engine with a password, and a node on the platform, beside redis-server with one. */
import type { BenchOptions, Print } from '../tools/figure.ts';
import { cpuMicroseconds } from '../tools/processes.ts';
import { startChild, told } from './load/child.ts';
import type { LoginOutcome, LoginPlan } from './load/login-process.ts';

import { startPlatform } from './platform.ts';
import { alternate, compare } from './rounds.ts';
import { startEngine, startRedis, type Target } from './target.ts';

const PROCESSES = 2;
const AT_ONCE = 25;
const PASSWORD = 'p'.repeat(43);
const peer = 'redis-server';

interface Round {
  readonly perSecond: number;
  /** CPU time of the servers for one login. */
  readonly cpu_us: number;
}

export async function benchLogins(print: Print, { rounds, quick }: BenchOptions): Promise<void> {
  const seconds = quick ? 1 : 3;
  const [redis, engine, platform] = await Promise.all([
    startRedis(['--requirepass', PASSWORD]),
    startEngine(['--requirepass', PASSWORD]),
    startPlatform(),
  ]);
  try {
    const node = await platform.node({ name: 'logins', durability: 'none', memoryLimitMb: 8 });
    const withPassword = (target: Target): Target => ({
      ...target,
      address: { ...target.address, password: PASSWORD },
    });
    const targets = [withPassword(redis), withPassword(engine), node];
    for (const target of targets) await measure(target, 1);
    const [theirs = [], ...ours] = await alternate(targets, rounds, (target) => measure(target, seconds));
    const of = (results: readonly Round[], what: keyof Round) => results.map((round) => round[what]);
    for (const [index, side] of ['engine', 'platform'].entries()) {
      const name = `${side}, connect + AUTH + PING`;
      const results = ours[index] ?? [];
      compare(print, { name, peer, unit: 'logins/s' }, of(results, 'perSecond'), of(theirs, 'perSecond'));
      const cpu = { name: `${name}, CPU`, peer, unit: 'µs' };
      compare(print, cpu, of(results, 'cpu_us'), of(theirs, 'cpu_us'));
    }
  } finally {
    await Promise.all([redis.stop(), engine.stop(), platform.stop()]);
  }
}

async function measure({ address, pids }: Target, seconds: number): Promise<Round> {
  const plan: LoginPlan = { address, atOnce: AT_ONCE, seconds };
  const before = await cpuMicroseconds(pids());
  const outcomes = await Promise.all(Array.from({ length: PROCESSES }, () => loginsOf(plan)));
  const cpu = (await cpuMicroseconds(pids())) - before;
  const perSecond = outcomes.reduce((sum, outcome) => sum + outcome.perSecond, 0);
  return { perSecond, cpu_us: cpu / (perSecond * seconds) };
}

async function loginsOf(plan: LoginPlan): Promise<LoginOutcome> {
  const child = startChild('login-process.ts');
  const outcome = await told<LoginOutcome>(child, plan);
  const [error] = outcome.errors;
  if (error !== undefined) throw new Error(`${outcome.errors.length} logins failed, the first: ${error}`);
  return outcome;
}
