import { lookUp } from '../commands/execute.ts';
import { commands } from '../commands/registry.ts';
import { registerCommands } from '../commands/table.ts';
import { withheldCommands } from '../commands/withheld.ts';
import { planSteps } from './steps.ts';

/** Commands that random sequences can't hold, with the reason or where they are looked at instead. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  quit: 'ends its connection; test/conformance/clients.test.ts',
  monitor: 'turns its connection into a monitor; tracking.test.ts',
  shutdown: 'ends the server; persistence/standalone.test.ts',
  save: 'writes files; persistence/standalone.test.ts',
  bgsave: 'writes files; persistence/standalone.test.ts',
  bgrewriteaof: 'writes files; persistence/standalone.test.ts',
  randomkey: 'removes what it finds expired, and chance decides what it finds; keyspace/dict.test.ts',
  pfselftest: 'takes a second; unit/hyperloglog of Redis’s own suite',
  'script|debug': 'leads through a script by hand, for which there is no debugger here',
  'memory|malloc-stats': 'tells of the allocator of a redis-server',
  waitaof: 'of 7.2, and the reference is 7.0; redis-7-2.test.ts',
  'client|setinfo': 'of 7.2, and the reference is 7.0; redis-7-2.test.ts',
  'client|no-touch': 'of 7.2, and the reference is 7.0; redis-7-2.test.ts',
};

/** How often each command and subcommand that a client can call occurs in the runs of so many seeds from the first on. */
export function occurrences(firstSeed: number, seeds: number, requestsPerSeed: number): Map<string, number> {
  const counts = new Map(comparedCommands().map((name) => [name, 0]));
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    for (const step of planSteps(seed, requestsPerSeed)) {
      const name = 'request' in step ? lookUp(step.request)?.fullName : undefined;
      const count = name === undefined ? undefined : counts.get(name);
      if (count !== undefined) counts.set(name!, count + 1);
    }
  }
  return counts;
}

/** All commands and subcommands of the table but those that are refused everywhere and those that can't be compared at random. */
function comparedCommands(): string[] {
  registerCommands();
  const withheld = new Set(withheldCommands.map(({ name }) => name));
  return [...commands.values()]
    .filter(({ spec }) => !withheld.has(spec.name))
    .flatMap(({ fullName, subcommands }) =>
      subcommands === undefined ? [fullName] : [...subcommands.values()].map((sub) => sub.fullName),
    )
    .filter((name) => !Object.hasOwn(ELSEWHERE, name));
}
