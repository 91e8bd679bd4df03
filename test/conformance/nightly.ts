/**
 * `npm run test:nightly -- [--redis-source <dir>] [--commands N] [--fuzz-minutes N] [--events N]`: what takes too long for every
 * test run. The differential test at length, the fuzz run, all read models by way of PostgreSQL and of Kafka, and, when a source tree
 * of Redis is given, Redis's own suite.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Command } from 'commander';

const values = new Command('test:nightly')
  .description('What takes too long for every test run: differential, fuzz, both transports, and Redis’s own suite.')
  .option('--redis-source <dir>', 'a source tree of Redis 7.2, whose suite is run then, too')
  .option('--commands <number>', 'random commands beside a real redis-server', '5000000')
  .option('--fuzz-minutes <minutes>', 'of damaged and wild input', '10')
  .option('--events <number>', 'after which read models by way of PostgreSQL and of Kafka are compared', '100000')
  // Mistakes in the command line end with 2, which no verdict does.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{ redisSource?: string; commands: string; fuzzMinutes: string; events: string }>();
const root = join(import.meta.dirname, '../..');
const source = values.redisSource;
const parts: (readonly string[])[] = [
  ['test/conformance/differential.ts', '--commands', values.commands],
  ['workers/resp/fuzz/main.ts', '--minutes', values.fuzzMinutes],
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
