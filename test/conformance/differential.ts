/**
 * `npm run test:differential -- --commands 1000000 [--seed N] [--jobs 4] [--server <redis-server>]`: as many random commands
 * into this engine and a real redis-server, whose replies must be the same. Prints the seeds, which `--seed` does again.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Command, Option } from 'commander';
import { createEngine } from '#workers/resp/engine.ts';
import { Node } from '#workers/resp/keyspace/node.ts';
import { rdbCodec } from '#workers/resp/persistence/codec.ts';
import { ELSEWHERE, occurrences } from '#workers/resp/conformance/coverage.ts';
import { openSide } from '#workers/resp/conformance/pair.ts';
import { DIFFERENTIAL_SETTINGS, startReference } from '#workers/resp/conformance/reference.ts';
import { findDifference } from '#workers/resp/conformance/run.ts';
import { redisBinaries } from '#test/tools/redis-binaries.ts';

/** Commands that follow from one seed: few enough that a difference is quickly brought down to what causes it. */
const PER_SEED = 1000;
/** In so many seeds each command occurs some hundred times. */
const COUNTED_SEEDS = 100;

const values = new Command('test:differential')
  .description('The same random commands into this engine and a real redis-server; exit 1 where replies differ.')
  .option('--commands <number>', 'how many, about', '1000000')
  .option('--seed <number>', 'the first seed; one for each thousand commands')
  .option('--jobs <number>', 'processes that share them', String(Math.max(1, availableParallelism())))
  .option('--server <redis-server>', 'the program to compare with; by default the one on the PATH, else Debian’s')
  .addOption(new Option('--job <number>').hideHelp())
  // Mistakes in the command line end with 2, which no verdict does.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{ commands: string; seed?: string; jobs: string; server?: string; job?: string }>();
const first = Number(values.seed ?? Math.floor(Date.now() / 1000));
const seeds = Math.ceil(Number(values.commands) / PER_SEED);
const jobs = Math.min(Number(values.jobs), seeds);

if (values.job === undefined) await lead();
else await compareSeeds(Number(values.job));

/** Starts the jobs and waits for them. */
async function lead(): Promise<void> {
  const began = performance.now();
  tellCoverage();
  console.log(`seeds ${first} to ${first + seeds - 1}, ${PER_SEED} commands each, in ${jobs} processes`);
  const codes = await Promise.all(
    Array.from({ length: jobs }, async (_, job) => {
      const child = fork(import.meta.filename, [
        ...process.argv.slice(2),
        '--seed',
        String(first),
        '--job',
        String(job),
      ]);
      const [code] = (await once(child, 'exit')) as [number | null];
      return code;
    }),
  );
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const held = codes.every((code) => code === 0);
  console.log(
    held ? `no difference in ${seeds * PER_SEED} commands, ${seconds} s` : `differences were found, ${seconds} s`,
  );
  process.exitCode = held ? 0 : 1;
}

/** Says which commands these seeds send, as far as is soon counted, and fails where one is missing in a long run. */
function tellCoverage(): void {
  const counts = occurrences(first, Math.min(seeds, COUNTED_SEEDS), PER_SEED);
  const missing = [...counts].filter(([, count]) => count === 0).map(([name]) => name);
  const left = Object.entries(ELSEWHERE).map(([name, why]) => `  ${name}: ${why}`);
  console.log(
    `${counts.size - missing.length} of ${counts.size} commands occur in these seeds; not compared here are\n${left.join('\n')}`,
  );
  if (missing.length === 0) return;
  console.log(`never sent: ${missing.join(' ')}`);
  if (seeds >= COUNTED_SEEDS) process.exit(1);
}

/** Every `jobs`-th seed, up to the first difference. */
async function compareSeeds(job: number): Promise<void> {
  const { server, env } = await redisBinaries();
  const reference = await startReference(values.server ?? server, env, DIFFERENTIAL_SETTINGS);
  const engine = createEngine({ defaultNode: new Node({ id: 'differential' }), codec: rdbCodec });
  const ours = await openSide(await engine.listen({ port: 0 }));
  const theirs = await openSide(reference.port);
  for (let seed = first + job; seed < first + seeds; seed += jobs) {
    const difference = await findDifference(ours, theirs, seed, PER_SEED);
    if (difference === undefined) continue;
    console.log(`--seed ${seed} --commands ${PER_SEED} gives a difference:`);
    const { before, request, ...replies } = difference;
    for (const line of before) console.log(`  ${line}`);
    console.log(`  request: ${JSON.stringify(request)}`);
    for (const [side, reply] of Object.entries(replies))
      console.log(`  ${side}: ${JSON.stringify(reply).slice(0, 600)}`);
    process.exitCode = 1;
    break;
  }
  for (const request of new Set(ours.closings))
    console.log(`closed a connection, on both sides or as told above: ${request}`);
  ours.close();
  theirs.close();
  await engine.close();
  await reference.stop();
}
