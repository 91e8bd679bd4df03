import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { subjectStream } from '#domains/subject/events.ts';
import { loadMasterKey } from '#infra/crypto/master-key.ts';
import { openSubjectKeys } from '#infra/crypto/subject-keys.ts';
import { openCodec } from '#infra/event-codec/codec.ts';
import { openPostgresEventLog } from '#infra/event-log/postgres/log.ts';
import { metadata } from '#infra/event-log/testing/log-under-test.ts';
import { appendAll, everything, openReadSide, type ReadSide } from '#test/tools/read-side.ts';
import { appendsOf } from '#test/tools/histories.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';

let side: ReadSide;
let folder: string;
beforeEach(async () => {
  side = await openReadSide();
  folder = mkdtempSync(path.join(tmpdir(), 'log-keys-'));
  await appendAll(
    side.log,
    appendsOf([0, 1].map((tenant) => ({ verb: 'createTenant', tenant, thing: 0, amount: tenant + 1 }))),
  );
});
afterEach(async () => {
  await side.close();
  rmSync(folder, { recursive: true });
});

/** Runs the command line against the test's database, with the master key from its file or given as text. */
function keys(args: readonly string[], environment: NodeJS.ProcessEnv = { MASTER_KEY_FILE: side.masterKeyFile }) {
  const env = { PATH: process.env['PATH'], DATABASE_URL: side.url, MINIREDIS_HOME: folder, ...environment };
  const program = path.join(import.meta.dirname, 'main.ts');
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [program, 'keys', ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

/** The names of the tenants as somebody reads them who has no key in use yet. */
async function names(): Promise<unknown[]> {
  const codec = openCodec(openSubjectKeys(side.pool, await loadMasterKey(side.masterKeyFile)));
  const log = openPostgresEventLog({ pool: side.pool, codec, notify: false });
  const found = (await everything(log)).flatMap(({ type, data }) =>
    type === 'TenantCreated' ? [(data as { name: unknown }).name] : [],
  );
  await log.close();
  return found;
}

test('keys that were lost come back from their backup, but for those of whom was erased since', async () => {
  const file = path.join(folder, 'keys');
  expect(await keys(['export', file])).toMatchObject({ code: 0, stderr: '' });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect((await keys(['export', file])).stderr).toMatch(/is there already/);
  const acts = (await everything(side.log)).map(({ data }) => (data as { action?: string }).action);
  expect(acts.filter((action) => action === 'ExportKeys')).toHaveLength(1);
  const before = await names();
  expect(before).toEqual([expect.any(String), expect.any(String)]);

  const gone = JSON.parse(
    readFileSync(file, 'utf8')
      .split('\n')
      .find((line) => line.includes('tnt_')) ?? '',
  ) as {
    subject: string;
  };
  await side.log.append({
    commandUid: randomUUID(),
    metadata,
    streams: [
      {
        stream: subjectStream(gone.subject),
        expectedVersion: 'no-stream',
        events: [{ type: 'SubjectErased', data: { subject: gone.subject } }],
      },
    ],
  });
  await side.pool.query('TRUNCATE subject_keys');

  const put = await keys(['import', file], { MASTER_KEY: readFileSync(side.masterKeyFile, 'utf8').trim() });
  expect(put).toMatchObject({ code: 0, stderr: '' });
  expect(put.stdout).toMatch(/\d+ keys were put back, 0 were there; 1 subject is erased/);
  const after = await names();
  expect(after.filter((name) => name === null)).toHaveLength(1);
  expect(after.filter((name) => typeof name === 'string')).toHaveLength(1);
  expect((await keys(['import', file])).stdout).toMatch(/^0 keys were put back/);
});

test('a backup that is damaged or of another platform changes nothing, and says where', async () => {
  const file = path.join(folder, 'keys');
  await keys(['export', file]);
  const good = readFileSync(file, 'utf8').trim().split('\n');
  await side.pool.query('TRUNCATE subject_keys');
  const tries: [string, RegExp][] = [
    ['', /empty/],
    ['hello', /Line 1/],
    [[...good, '{"subject":1}'].join('\n'), new RegExp(`Line ${good.length + 1}`)],
    [
      good.join('\n').replace(/"wrappedKey":"(....)/, '"wrappedKey":"AAAA'),
      /Line 2: .*another master key, or is damaged/,
    ],
  ];
  for (const [text, problem] of tries) {
    writeFileSync(file, text);
    const { code, stderr } = await keys(['import', file]);
    expect(code).toBe(2);
    expect(stderr).toMatch(problem);
  }
  expect((await keys(['import', path.join(folder, 'none')])).code).toBe(2);
  expect((await keys(['import', file], { MASTER_KEY: 'short' })).stderr).toMatch(/MASTER_KEY .*64 hexadecimal/);
  expect((await side.pool.query('SELECT 1 FROM subject_keys')).rowCount).toBe(0);
});
