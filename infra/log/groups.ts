import { lagOfGroups } from '#infra/event-log/consumers/lag.ts';
import { dropGroup, isAtRest } from '#infra/event-log/consumers/leases.ts';
import { UsageProblem, withPlatformLog, type PlatformLog } from '#infra/local/platform-log.ts';
import type { Command } from 'commander';

import { recordAct } from './record-act.ts';

/** `groups list | drop`: the consumer groups there are, and how far each is behind. */
export function addGroupCommands(program: Command): void {
  const groups = program.command('groups').description('consumer groups, which carry out what follows from events');
  groups
    .command('list')
    .description('each group: the processes that run it, how far it is behind, and how many streams it has parked')
    .action(async () => {
      process.exitCode = await withPlatformLog('log', list);
    });
  groups
    .command('drop')
    .description('forgets a group that no process runs any more, with its checkpoints and what it has parked')
    .requiredOption('--group <name>', 'the consumer group')
    .action(async ({ group }: { group: string }) => {
      process.exitCode = await withPlatformLog('log', (parts) => drop(parts, group));
    });
}

async function list({ log, pool }: PlatformLog): Promise<number> {
  const groups = await lagOfGroups(pool, log);
  if (groups.length === 0) console.log('There are no consumer groups yet.');
  for (const { group, members, events, oldest_s, parkedStreams } of groups) {
    const behind =
      events === 0 ? 'has caught up' : `is ${events} events behind, the first of them ${oldest_s.toFixed(0)} s old`;
    const run = members === 0 ? 'run by nobody' : `run by ${members} ${members === 1 ? 'process' : 'processes'}`;
    console.log(`${group}  ${behind}; ${run}; parked streams: ${parkedStreams}`);
  }
  return 0;
}

async function drop({ pool, log }: PlatformLog, group: string): Promise<number> {
  const droppable = await isAtRest(pool, group);
  if (droppable) await recordAct(log, { action: 'DropGroup', target: { kind: 'consumer-group', id: group } });
  if (!droppable || !(await dropGroup(pool, group))) {
    throw new UsageProblem(`There is no group ${group}, or a process runs it; npm run log -- groups list shows which.`);
  }
  console.log(`${group} is forgotten; were it run again, it would begin at the start of the log.`);
  return 0;
}
