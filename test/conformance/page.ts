import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commandTable } from './command-coverage.ts';
import type { SuiteCommand } from './command-coverage.ts';
import { table } from './markdown.ts';

/** Where the figures of the last whole run are kept, from which the page is made. */
export const RUN_FILE = join(import.meta.dirname, 'last-run.json');
/** The page that `--write-docs` makes. */
export const PAGE_FILE = join(import.meta.dirname, '../../docs/compatibility.md');

/** What came of one unit of the suite. */
export interface UnitRun {
  readonly unit: string;
  readonly passed: number;
  /** Left out by the suite's own tags. */
  readonly ignored: number;
  readonly failures: readonly { readonly name: string; readonly detail: string }[];
}

/** One run of the suite. */
export interface SuiteRun {
  /** Of the Redis whose suite it is. */
  readonly version: string;
  /** As given to the suite's `--tags`. */
  readonly tags: string;
  readonly units: readonly UnitRun[];
  /** The commands that this Redis has. */
  readonly commands: readonly SuiteCommand[];
}

/** Why cases fail and commands differ: written by hand, and put beside what the run found. */
interface Reasons {
  /** By unit and case; a name that ends in `*` stands for all that begin so. */
  readonly failures: readonly { readonly unit: string; readonly name: string; readonly reason: string }[];
  /** By `name` or `container|name`, what differs from Redis. */
  readonly commands: Readonly<Record<string, string>>;
}

/** The figures of a run in one line. */
export function summarize(run: Pick<SuiteRun, 'units'>): string {
  const sum = (of: (unit: UnitRun) => number): number => run.units.reduce((total, unit) => total + of(unit), 0);
  const passed = sum((unit) => unit.passed);
  const failed = sum((unit) => unit.failures.length);
  const share = ((100 * passed) / Math.max(1, passed + failed)).toFixed(2);
  const ignored = sum((unit) => unit.ignored);
  return `${passed} of ${passed + failed} cases passed (${share} %), ${failed} failed; the suite's own tags left out ${ignored}`;
}

/** The page as it follows from the last run, the reasons and the engine's own command table. */
export async function compatibilityPage(): Promise<string> {
  const run = await readJson<SuiteRun>(RUN_FILE);
  const reasons = await readJson<Reasons>(join(import.meta.dirname, 'reasons.json'));
  return [
    '# Compatibility with Redis 7.2',
    '<!-- Made by `npm run conformance -- --redis-source <dir> --write-docs`; change test/conformance/reasons.json, not this page. -->',
    `Redis ${run.version}'s own test suite, run against \`npm run resp\` as against any external server (\`--tags "${run.tags}"\`): **${summarize(run)}.**`,
    'What the suite leaves out by itself for external servers (`external:skip`) needs a server that it starts with settings of its own.',
    '## Cases by unit',
    table(
      ['unit', 'passed', 'failed', 'left out by tags'],
      run.units
        .filter(({ passed, failures }) => passed + failures.length > 0)
        .map(({ unit, passed, failures, ignored }) => [unit, passed, failures.length, ignored]),
    ),
    '## Cases that fail',
    failureTable(run, reasons),
    '## Commands',
    'Subcommands are written `container|name`. *withheld* is refused to tenants of the platform; the standalone server has it unless the remark says otherwise.',
    commandTable(run.commands, reasons.commands),
    '',
  ].join('\n\n');
}

function failureTable(run: SuiteRun, reasons: Reasons): string {
  const rows = run.units.flatMap(({ unit, failures }) =>
    failures.map(({ name }) => [unit, name, reasonFor(reasons, unit, name) ?? 'not looked into yet']),
  );
  return rows.length === 0 ? 'None.' : table(['unit', 'case', 'why'], rows);
}

function reasonFor(reasons: Reasons, unit: string, name: string): string | undefined {
  const match = (pattern: string): boolean =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
  return reasons.failures.find((one) => one.unit === unit && match(one.name))?.reason;
}

async function readJson<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(file, 'utf8')) as T;
}
