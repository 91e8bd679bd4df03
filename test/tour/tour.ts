/**
 * `npm run tour`: the main job, narrated. Against the platform of MINIREDIS_HOME (starting one if there is none): a
 * tenant, a node used by a stock redis-cli, a backup, a loss, a restore, the audit timeline, a replay. Exits with 1 at
 * the first thing that is wrong.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { apiClient, type Operation } from '../tools/api.ts';
import { isReady, readCredentials, startPlatform } from '../tools/platform.ts';
import { redisCli } from '../tools/redis-binaries.ts';
import { keyCount, reads, toProtocol, writes } from './data-set.ts';

interface Node {
  readonly id: string;
  readonly state: string;
  readonly endpoint: { host: string; port: number; username: string; password: string; url: string };
}

const root = resolve(import.meta.dirname, '../..');
const home = resolve(process.env['MINIREDIS_HOME'] ?? '.miniredis');
const startedAt = performance.now();
let stepNumber = 0;

function step(title: string): void {
  stepNumber += 1;
  console.log(`\n${stepNumber}. ${title}`);
}
const say = (text: string) => console.log(`   ${text}`);
const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(2)} s`;

function expect(truth: boolean, wrong: string): void {
  if (!truth) throw new Error(wrong);
}

/** Runs a program to its end; rejects when it fails. */
function run(command: string, args: string[], options: { env?: NodeJS.ProcessEnv; input?: Buffer } = {}) {
  return new Promise<Buffer>((done, fail) => {
    const child = spawn(command, args, { cwd: root, env: options.env ?? process.env, stdio: ['pipe', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.on('error', fail);
    child.on('close', (code) => {
      const output = Buffer.concat(out);
      if (code === 0) done(output);
      else
        fail(
          new Error(
            `${command} ${args[0] ?? ''} ended with ${code}: ${(err.trim() || output.toString()).slice(0, 500)}`,
          ),
        );
    });
    child.stdin.on('error', () => {});
    child.stdin.end(options.input);
  });
}

async function tour(credentials: { gatewayUrl: string; apiKey: string }): Promise<void> {
  const api = apiClient(credentials.gatewayUrl, credentials.apiKey);
  const cli = await redisCli(join(home, 'tools'));
  const suffix = Date.now().toString(36);

  /** A stock redis-cli at a node's endpoint; the password goes by the environment, not the command line. */
  const redis = (node: Node, args: string[], input?: Buffer) =>
    run(
      cli.path,
      ['-h', node.endpoint.host, '-p', String(node.endpoint.port), '--user', node.endpoint.username, ...args],
      { env: { ...cli.env, REDISCLI_AUTH: node.endpoint.password }, ...(input === undefined ? {} : { input }) },
    );
  const size = async (node: Node) => Number((await redis(node, ['DBSIZE'])).toString());
  /** One hash over every value of the data set, read back through redis-cli. */
  const fingerprint = async (node: Node) =>
    createHash('sha256')
      .update(
        await redis(
          node,
          [],
          Buffer.from(
            reads()
              .map((args) => args.join(' '))
              .join('\n'),
          ),
        ),
      )
      .digest('hex');
  const progress = (operation: Operation) => say(`${operation.state} ${operation.percent} % ${operation.message}`);

  step('A tenant');
  const tenant = await api.must<{ id: string; name: string }>('POST', '/v1/tenants', { name: `tour-${suffix}` });
  say(`${tenant.id}, named tour-${suffix}`);

  step('A Redis node of its own');
  const asked = performance.now();
  const node = await api.must<Node>('POST', `/v1/tenants/${tenant.id}/nodes`, {
    name: 'shop',
    memoryLimitMb: 256,
    durability: 'always',
  });
  expect((await redis(node, ['PING'])).toString().trim() === 'PONG', 'the node does not answer PONG');
  say(
    `${node.id} is ${node.state} at ${node.endpoint.host}:${node.endpoint.port}; PONG ${seconds(asked)} after the request`,
  );

  step(`A real data set, written by redis-cli (${keyCount} keys of all types)`);
  const wrote = performance.now();
  await redis(node, ['--pipe'], toProtocol(writes()));
  expect((await size(node)) === keyCount, `the node holds ${await size(node)} keys, not ${keyCount}`);
  const before = await fingerprint(node);
  say(`written in ${seconds(wrote)}; fingerprint of all values ${before.slice(0, 16)}…`);

  step('A backup');
  const began = performance.now();
  const requested = await api.must<{ operation: Operation; id: string }>('POST', `/v1/nodes/${node.id}/backups`, {});
  say('Temporal may still be built on the very first start; the operation waits for it.');
  await api.finished(requested.operation.id, { timeoutMs: 600_000, onChange: progress });
  const backup = await api.must<{ id: string; state: string; keys: number; bytes: number; sha256: string }>(
    'GET',
    `/v1/backups/${requested.id}`,
  );
  expect(backup.state === 'verified', `the backup is ${backup.state}, not verified`);
  expect(backup.keys === keyCount, `the backup holds ${backup.keys} keys, not ${keyCount}`);
  say(
    `${backup.id}: ${backup.keys} keys, ${backup.bytes} bytes, SHA-256 ${backup.sha256.slice(0, 16)}…, ${seconds(began)}`,
  );

  step('Everything is lost');
  await redis(node, ['FLUSHALL']);
  expect((await size(node)) === 0, 'FLUSHALL left keys behind');
  say('FLUSHALL: the node holds 0 keys');

  step('A restore in place');
  const restore = await api.must<{ operation: Operation }>('POST', `/v1/backups/${backup.id}/restore`, {
    nodeId: node.id,
  });
  await api.finished(restore.operation.id, { timeoutMs: 120_000, onChange: progress });
  expect((await size(node)) === keyCount, `the restored node holds ${await size(node)} keys, not ${keyCount}`);
  expect((await fingerprint(node)) === before, 'the restored values are not the ones that were backed up');
  say(`${keyCount} keys are back, every value as it was`);

  step('A restore to a new node');
  const copy = await api.must<Node & { operation: Operation }>('POST', `/v1/backups/${backup.id}/restore`, {
    name: 'shop-copy',
  });
  await api.finished(copy.operation.id, { timeoutMs: 120_000, onChange: progress });
  expect((await fingerprint(copy)) === before, 'the new node does not hold what was backed up');
  say(`${copy.id} holds the same values`);

  step('Who did all that: the audit timeline');
  const audit = await api.must<{
    items: {
      position: number;
      recordedAt: string;
      actor: { id: string };
      action: string;
      target: { id: string };
      outcome: string;
    }[];
  }>('GET', `/v1/audit?tenantId=${tenant.id}&limit=100`);
  for (const entry of audit.items.toReversed()) {
    say(
      `${String(entry.position).padStart(6)}  ${entry.recordedAt}  ${entry.outcome.padEnd(8)}  ${entry.action.padEnd(22)}  ${entry.target.id}  by ${entry.actor.id}`,
    );
  }
  for (const action of ['CreateTenant', 'CreateNode', 'CreateBackup', 'RestoreBackup']) {
    expect(
      audit.items.some((entry) => entry.action === action),
      `the timeline does not show ${action}`,
    );
  }

  step('The history, replayed by the deciders alone, gives the same state');
  const replayed = await run(process.execPath, [join(root, 'projections/replay/main.ts'), '--from', '0', '--compare'], {
    env: { ...process.env, MINIREDIS_HOME: home },
  });
  for (const line of replayed.toString().trim().split('\n').slice(-3)) say(line);
}

let stop: (() => Promise<unknown>) | undefined;
try {
  let credentials = await readCredentials(home);
  if (credentials === null || !(await isReady(credentials.gatewayUrl))) {
    console.log(`No platform runs in ${home}: starting one.`);
    const platform = await startPlatform({ home, timeoutMs: 120_000 });
    ({ credentials, stop } = platform);
  }
  await tour(credentials);
  console.log(`\nThe tour is complete: everything held, in ${seconds(startedAt)}.`);
} catch (error) {
  console.error(`\nThe tour stopped at step ${stepNumber}: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await stop?.();
}
