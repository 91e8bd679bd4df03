import type { ChildProcess } from 'node:child_process';
import { quantile, sumOf } from '../../tools/histogram.ts';
import { cpuMicroseconds } from '../../tools/processes.ts';
import { startChild, told } from './child.ts';
import type { FromGenerator, Outcome, Plan } from './plan.ts';

/** What a load came to, over all processes of the generator. */
export interface LoadResult {
  readonly perSecond: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** CPU time of the servers for one operation. */
  readonly cpu_us: number;
}

/**
 * Runs a load from several processes, the targets dealt out among them (or, with fewer targets than processes, the
 * connections). `pids` are the servers' processes; `during` runs beside the load, and `first` when all have connected. Rejects
 * when a reply is an error.
 */
export async function runLoad(
  plan: Plan,
  processes: number,
  pids: readonly number[],
  { first, during }: { first?: () => Promise<void>; during?: () => Promise<void> } = {},
): Promise<LoadResult> {
  const plans = dealOut(plan, processes);
  const children = plans.map(() => startChild('generator.ts'));
  try {
    await Promise.all(children.map((child, index) => told(child, { plan: plans[index] })));
    await first?.();
    const before = await cpuMicroseconds(pids);
    const [outcomes] = await Promise.all([Promise.all(children.map((child) => outcomeOf(child))), during?.()]);
    const cpu = (await cpuMicroseconds(pids)) - before;
    return summary(outcomes, cpu);
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
}

function dealOut(plan: Plan, processes: number): Plan[] {
  const share = plan.perSecond === undefined ? {} : { perSecond: plan.perSecond / processes };
  if (plan.targets.length < processes) {
    const connectionsPerTarget = Math.ceil(plan.connectionsPerTarget / processes);
    return Array.from({ length: processes }, () => ({ ...plan, ...share, connectionsPerTarget }));
  }
  return Array.from({ length: processes }, (_, index) => ({
    ...plan,
    ...share,
    targets: plan.targets.filter((_target, at) => at % processes === index),
  }));
}

function summary(outcomes: readonly Outcome[], cpu: number): LoadResult {
  const errors = outcomes.flatMap((outcome) => outcome.errors);
  if (errors.length > 0) throw new Error(`${errors.length} errors under load, the first: ${errors[0]}`);
  const operations = outcomes.reduce((sum, outcome) => sum + outcome.operations, 0);
  const perSecond = outcomes.reduce((sum, outcome) => sum + outcome.operations / outcome.seconds, 0);
  const latencies = sumOf(outcomes.map((outcome) => outcome.latencies));
  return { perSecond, p50_ms: quantile(latencies, 0.5), p99_ms: quantile(latencies, 0.99), cpu_us: cpu / operations };
}

const outcomeOf = async (child: ChildProcess): Promise<Outcome> => {
  const answer = await told<FromGenerator>(child, 'go');
  if (answer === 'ready') throw new Error('unreachable: the generator is ready once');
  return answer.outcome;
};
