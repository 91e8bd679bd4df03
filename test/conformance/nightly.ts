/**
 * `npm run test:nightly -- [--redis-source <dir>] [--commands N] [--fuzz-minutes N] [--events N]`: what takes too long for every
 * test run. The differential test at length, the fuzz run, all read models by way of PostgreSQL and of Kafka, and, when a source tree
 * of Redis is given, Redis's own suite.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    'redis-source': { type: 'string' },
    commands: { type: 'string', default: '5000000' },
    'fuzz-minutes': { type: 'string', default: '10' },
    events: { type: 'string', default: '100000' },
  },
});
const root = join(import.meta.dirname, '../..');
const source = values['redis-source'];
const parts: (readonly string[])[] = [
  ['test/conformance/differential.ts', '--commands', values.commands],
  ['workers/resp/fuzz/main.ts', '--minutes', values['fuzz-minutes']],
  ['node_modules/vitest/vitest.mjs', 'run', 'test/integration/transports-compare.test.ts'],
  ...(source === undefined ? [] : [['test/conformance/main.ts', '--redis-source', source]]),
];

const env = { ...process.env, TRANSPORT_EVENTS: values.events };
const failed: string[] = [];
for (const part of parts) {
  console.log(`── ${part.join(' ')}`);
  const child = spawn(process.execPath, [...part], { cwd: root, stdio: 'inherit', env });
  const [code] = (await once(child, 'exit')) as [number];
  if (code !== 0) failed.push(part.join(' '));
}
console.log(failed.length === 0 ? 'everything held' : `failed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
