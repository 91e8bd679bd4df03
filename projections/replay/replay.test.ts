import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import { appendsOf, recordsOf, wishes } from '#test/tools/histories.ts';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';

const events = recordsOf(
  appendsOf(fc.sample(wishes({ minLength: 400, maxLength: 400 }), { seed: 3, numRuns: 1 })[0] ?? []),
);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'miniredis-replay-'));
});
afterAll(() => rm(folder, { recursive: true }));

const lineOf = (event: RecordedEvent) =>
  JSON.stringify(event, (_key, value: unknown) => (typeof value === 'bigint' ? Number(value) : value));
const ndjson = (some: readonly RecordedEvent[]) => some.map((event) => `${lineOf(event)}\n`).join('');

/** Runs the command line; what stands in `input` is its standard input. */
function replay(args: readonly string[], input = ''): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env['PATH'], MINIREDIS_HOME: folder };
    const child = spawn(process.execPath, [path.join(import.meta.dirname, 'main.ts'), ...args], { env });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

test('a file and standard input give the same state, with deleted things apart', async () => {
  const file = path.join(folder, 'history.ndjson');
  await writeFile(file, ndjson(events));
  const fromFile = await replay(['--from', '0', '--file', file, '--json']);
  expect(fromFile).toMatchObject({ code: 0, stderr: '' });
  const piped = await replay(['--from', '0', '--file', '-', '--json'], ndjson(events));
  expect(piped.stdout).toBe(fromFile.stdout);
  const document = JSON.parse(fromFile.stdout) as {
    tenants: { state: string }[];
    nodes: { id: string; state: string }[];
    deleted: { nodes: { state: string }[] };
  };
  expect(document).toMatchObject({ from: 0, events: events.length, position: events.length });
  const requested = events.filter(({ type }) => type === 'NodeRequested').length;
  expect(document.nodes.length + document.deleted.nodes.length).toBe(requested);
  expect(document.nodes.every(({ state }) => state !== 'deleted')).toBe(true);
  expect(document.deleted.nodes.every(({ state }) => state === 'deleted')).toBe(true);
  const ids = document.nodes.map(({ id }) => id);
  expect(ids).toEqual(ids.toSorted().toReversed());

  const text = await replay(['--from', '0', '--file', file]);
  expect(text.stdout).toContain(`Replayed ${events.length} events with the deciders alone, positions 1 to`);
  expect(text.stdout).toContain('no gap, versions in sequence');
});

test('a hole, a version out of sequence, a wrong order and a line cut off are refused with their place', async () => {
  const [first, second, ...rest] = events;
  if (first === undefined || second === undefined) throw new Error('too short a history');
  const run = (text: string, ...args: string[]) => replay(['--from', '0', '--file', '-', ...args], text);
  const hole = await run(ndjson([first, ...rest]));
  expect(hole).toMatchObject({ code: 1, stderr: expect.stringContaining('Position 3 follows 1: events are missing') });
  expect(await run(ndjson([second, ...rest]))).toMatchObject({ code: 1 });
  expect((await run(ndjson([first, second, first]))).stderr).toContain('out of order');
  expect((await run(ndjson([first, { ...second, version: 7 }]))).stderr).toMatch(/has version 7 at position 2/);
  expect((await run(ndjson(events).slice(0, -20))).stderr).toMatch(`Line ${events.length} is not JSON`);
  expect((await run('{"position": 1}\n')).stderr).toMatch(/Line 1 is no event/);

  const nodesAlone = events.filter(({ stream }) => stream.startsWith('node-'));
  expect((await run(ndjson(nodesAlone))).code).toBe(1);
  const filtered = await run(ndjson(nodesAlone), '--filtered', '--json');
  expect(filtered.code).toBe(0);
  const whole = await run(ndjson(events), '--json');
  const nodesOf = (text: string) => (JSON.parse(text) as { nodes: unknown }).nodes;
  expect(nodesOf(filtered.stdout)).toEqual(nodesOf(whole.stdout));
});

test('from a later position, only what began there is known, and it says so', async () => {
  const from = 200;
  const tail = events.slice(from - 1);
  const { code, stdout } = await replay(['--from', `${from}`, '--file', '-', '--json'], ndjson(tail));
  expect(code).toBe(0);
  const document = JSON.parse(stdout) as { nodes: { id: string }[]; incomplete: string[] };
  expect(document.incomplete.length).toBeGreaterThan(0);
  for (const { id } of document.nodes) {
    expect(tail.some(({ stream, version }) => stream === `node-${id}` && version === 0)).toBe(true);
    expect(document.incomplete).not.toContain(`node-${id}`);
  }
  const text = await replay(['--from', `${from}`, '--file', '-'], ndjson(tail));
  expect(text.stdout).toContain(`What was before position ${from} is unknown`);
  expect(await replay(['--from', `${from}`, '--compare'])).toMatchObject({ code: 2 });
});

test('positions keep every digit', async () => {
  const [line] = ndjson(events.slice(0, 1)).split('\n');
  const far = `${line?.replace('"position":1,', '"position":9007199254740993,')}\n`;
  const { code, stdout } = await replay(['--from', '9007199254740993', '--file', '-'], far);
  expect(code).toBe(0);
  expect(stdout).toContain('positions 9007199254740993 to 9007199254740993');
});

test('a reply that ends in the middle, and a key that may not read, fail with what to do', async () => {
  const server = createServer((request, reply) => {
    if (request.headers.authorization !== 'Bearer good') {
      reply.writeHead(401, { 'content-type': 'application/problem+json' }).end('{"code":"unauthenticated"}');
      return;
    }
    reply.writeHead(200, { 'content-type': 'application/x-ndjson' });
    reply.write(ndjson(events.slice(0, 10)), () => reply.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const cut = await replay(['--from', '0', '--url', url, '--key', 'good']);
    expect(cut).toMatchObject({ code: 1, stderr: expect.stringContaining('cut the history off') });
    const denied = await replay(['--from', '0', '--url', url, '--key', 'bad']);
    expect(denied).toMatchObject({ code: 1, stderr: expect.stringContaining('unauthenticated') });
    expect((await replay(['--from', '0'])).stderr).toContain('start the platform');
  } finally {
    server.close();
  }
});
