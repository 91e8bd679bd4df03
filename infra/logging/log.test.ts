import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { expect, test } from 'vitest';

import { createLog, type Logger } from './log.ts';

/** The lines a role wrote, as they stand in the file right after the call. */
function written(write: (log: Logger) => void, level = 'info'): Record<string, unknown>[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'log-'));
  const file = path.join(folder, 'role.log');
  const fd = openSync(file, 'a');
  try {
    write(createLog('gateway', level, fd));
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  } finally {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  }
}

test('a line says which role wrote it, when, and how grave it is', () => {
  const [line] = written((log) => log.warn({ nodeId: 'n1' }, 'slow'));
  expect(line).toMatchObject({ role: 'gateway', level: 'warn', nodeId: 'n1', msg: 'slow' });
  expect(line?.['time']).toMatch(/^\d{4}-\d\d-\d\dT/);
});

test('lines below the level are not written', () => {
  expect(written((log) => log.info('chatter'), 'warn')).toEqual([]);
});

test('secrets do not reach the file, neither as fields nor inside messages', () => {
  const lines = written((log) => {
    log.info({ password: 'hunter2', node: { apiKey: 'hunter2' }, req: { headers: { authorization: 'hunter2' } } });
    log.error(new Error('connect to postgres://miniredis:hunter2@127.0.0.1:5432/miniredis failed'));
    log.info('header Authorization: Bearer hunter2');
    log.info({ url: 'redis://node:hunter2@127.0.0.1:6001' });
  });
  expect(lines).toHaveLength(4);
  expect(JSON.stringify(lines)).not.toContain('hunter2');
  expect(JSON.stringify(lines)).toContain('postgres://miniredis:[redacted]@127.0.0.1:5432/miniredis');
});
