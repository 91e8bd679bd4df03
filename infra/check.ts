/** `npm run check`: types, lint, format, architecture and dead code, side by side; prints only what failed. */
import { spawn } from 'node:child_process';

const checks: ReadonlyArray<readonly [name: string, command: string, ...args: string[]]> = [
  ['types', 'tsc', '--pretty'],
  ['lint', 'oxlint', '--type-aware', '--deny-warnings'],
  ['format', 'oxfmt', '--check'],
  [
    'architecture',
    'depcruise',
    '--config',
    '.dependency-cruiser.cjs',
    'domains',
    'schemas',
    'infra',
    'projections',
    'workers',
    'gateway',
  ],
  ['dead code', 'knip'],
  ['schemas', 'node', 'schemas/main.ts', 'check'],
];

function run(command: string, args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, FORCE_COLOR: '1' },
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

const startedAt = performance.now();
const results = await Promise.all(
  checks.map(async ([name, command, ...args]) => {
    const began = performance.now();
    const { code, output } = await run(command, args);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
    return { name, code, output };
  }),
);
const failed = results.filter((result) => result.code !== 0);
for (const { name, output } of failed) console.log(`\n── ${name} ──\n${output}`);
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
console.log(`\n${checks.length - failed.length} of ${checks.length} checks hold, ${seconds} s`);
process.exitCode = failed.length === 0 ? 0 : 1;
