/**
 * `npm run conformance -- --redis-source <dir>`: runs Redis's own test suite against the standalone engine, as against
 * any external server, and with `--write-docs` writes what came of it to docs/compatibility.md. Needs tclsh. `--write-docs`
 * alone makes the page anew from the last run.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { listUnits, runUnit } from './tcl-suite.ts';
import { startTarget } from './target.ts';
import { commandsOf } from './command-coverage.ts';
import { compatibilityPage, PAGE_FILE, RUN_FILE, summarize } from './page.ts';
import type { SuiteRun, UnitRun } from './page.ts';

interface Options {
  readonly redisSource?: string;
  readonly unit: readonly string[];
  readonly tags: string;
  readonly singledb: boolean;
  readonly jobs: string;
  readonly port?: string;
  readonly basePort: string;
  readonly minutesPerUnit: string;
  readonly output?: string;
  readonly writeDocs: boolean;
}

const values = new Command('conformance')
  .description('Runs Redis’s own test suite against the standalone engine, as against any external server.')
  .option('--redis-source <dir>', 'a source tree of Redis 7.2; without it, --write-docs makes the page of the last run')
  .option('--unit <units...>', 'such as unit/scan; all without it', [])
  .option('--tags <tags>', 'as the suite takes them', '-needs:debug -needs:repl -cluster')
  .option('--singledb', 'everything in database 0, as the suite’s option of this name', false)
  .option('--jobs <number>', 'units beside each other', '2')
  .option('--port <port>', 'a server that runs already; one is started for each job without it')
  .option('--base-port <port>', 'where the suite’s own sockets begin', '24000')
  .option('--minutes-per-unit <minutes>', 'after which a unit counts as not run to its end', '8')
  .option('--output <dir>', 'keeps what each unit printed')
  .option('--write-docs', 'writes what came of it to docs/compatibility.md', false)
  // Mistakes in the command line end with 2, which no verdict does.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<Options>();
const source = values.redisSource;
if (source === undefined) {
  if (values.writeDocs) await writeFile(PAGE_FILE, await compatibilityPage());
  else console.error('Name a source tree of Redis 7.2: npm run conformance -- --redis-source <dir>');
  process.exit(values.writeDocs ? 0 : 2);
}

const units = values.unit.length > 0 ? values.unit : await listUnits(source);
const waiting = [...units];
const done = new Map<string, UnitRun>();
if (values.output !== undefined) await mkdir(values.output, { recursive: true });

/** Runs one unit after the other on one server, as the suite itself does; a server that was lost is replaced. */
async function work(job: number): Promise<void> {
  const given = values.port === undefined ? undefined : Number(values.port);
  let target = given === undefined ? await startTarget() : undefined;
  for (let unit = waiting.shift(); unit !== undefined; unit = waiting.shift()) {
    if (target?.alive() === false) {
      await target.stop();
      target = await startTarget();
    }
    const report = await runUnit({
      source: source!,
      unit,
      port: target?.port ?? given!,
      basePort: Number(values.basePort) + job * 500,
      tags: values.tags,
      singleDatabase: values.singledb,
      limitMs: Number(values.minutesPerUnit) * 60_000,
    });
    if (values.output !== undefined)
      await writeFile(join(values.output, `${unit.replaceAll('/', '-')}.out`), report.output);
    const lost = !report.finished || target?.alive() === false;
    const failures = report.cases.filter((one) => one.outcome === 'failed');
    if (lost && !failures.some(({ name }) => name.startsWith('('))) {
      failures.push({
        name: '(exception) the unit was not run to its end',
        outcome: 'failed',
        detail: report.output.slice(-500),
      });
    }
    const count = (outcome: string): number => report.cases.filter((one) => one.outcome === outcome).length;
    done.set(unit, {
      unit,
      passed: count('passed'),
      ignored: count('ignored') + count('skipped'),
      failures: failures.map(({ name, detail }) => ({
        name,
        detail: detail.split('\n').slice(0, 3).join('\n').replaceAll(source!, '<source>'),
      })),
    });
    console.log(`${unit}: ${count('passed')} passed, ${failures.length} failed, ${count('ignored')} ignored`);
    for (const { name, detail } of failures)
      console.log(`  ${name}\n    ${detail.split('\n').slice(0, 2).join('\n    ')}`);
    // What a unit that was cut off left behind must not trouble the next one.
    if (lost && target !== undefined) {
      await target.stop();
      target = await startTarget();
    }
  }
  await target?.stop();
}

await Promise.all(Array.from({ length: values.port === undefined ? Number(values.jobs) : 1 }, (_, job) => work(job)));
const version = /REDIS_VERSION "([^"]+)"/.exec(await readFile(join(source, 'src/version.h'), 'utf8'))?.[1] ?? 'unknown';
const result: SuiteRun = {
  version,
  tags: values.tags,
  units: units.map((unit) => done.get(unit)!),
  commands: await commandsOf(source),
};
console.log(summarize(result));
if (values.writeDocs) {
  await writeFile(RUN_FILE, `${JSON.stringify(result, null, 2)}\n`);
  await writeFile(PAGE_FILE, await compatibilityPage());
}
process.exitCode = result.units.some(({ failures }) => failures.length > 0) ? 1 : 0;
