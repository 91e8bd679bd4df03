/**
 * `npm run conformance -- --redis-source <dir>`: runs Redis's own test suite against the standalone engine, as against
 * any external server, and with `--write-docs` writes what came of it to docs/compatibility.md. Needs tclsh. `--write-docs`
 * alone makes the page anew from the last run.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { listUnits, runUnit } from './tcl-suite.ts';
import { startTarget } from './target.ts';
import { commandsOf } from './command-coverage.ts';
import { compatibilityPage, PAGE_FILE, RUN_FILE, summarize } from './page.ts';
import type { SuiteRun, UnitRun } from './page.ts';

const { values } = parseArgs({
  options: {
    'redis-source': { type: 'string' },
    unit: { type: 'string', multiple: true, default: [] },
    tags: { type: 'string', default: '-needs:debug -needs:repl -cluster' },
    jobs: { type: 'string', default: '2' },
    port: { type: 'string' },
    'base-port': { type: 'string', default: '24000' },
    'minutes-per-unit': { type: 'string', default: '8' },
    output: { type: 'string' },
    'write-docs': { type: 'boolean', default: false },
  },
});
const source = values['redis-source'];
if (source === undefined && values['write-docs']) {
  await writeFile(PAGE_FILE, await compatibilityPage());
  process.exit(0);
}
if (source === undefined) {
  console.error(
    'usage: npm run conformance -- --redis-source <source tree of Redis 7.2> [--unit unit/scan]… [--write-docs]',
  );
  process.exit(2);
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
      basePort: Number(values['base-port']) + job * 500,
      tags: values.tags,
      limitMs: Number(values['minutes-per-unit']) * 60_000,
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
if (values['write-docs']) {
  await writeFile(RUN_FILE, `${JSON.stringify(result, null, 2)}\n`);
  await writeFile(PAGE_FILE, await compatibilityPage());
}
process.exitCode = result.units.some(({ failures }) => failures.length > 0) ? 1 : 0;
