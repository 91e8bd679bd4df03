import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, expect, test } from 'vitest';

import { openWire } from '../../conformance/wire.ts';
import { removeServers, serverFolder, startOurs } from '../testing/servers.ts';

afterEach(removeServers);

test.each(['everysec', 'no', 'always'])('under %s a reply leaves after what it tells of was written', async (fsync) => {
  const dir = await serverFolder();
  const server = await startOurs(dir, ['--appendonly', 'yes', '--appendfsync', fsync, '--save', '']);
  const file = join(dir, 'appendonlydir', 'appendonly.aof.1.incr.aof');
  const [first, second] = [await openWire(server.port), await openWire(server.port)];
  const work = Array.from({ length: 3000 }, (_, i) => ['SADD', 'work', ...Array.from({ length: 10 }, (_j, j) => `${i} ${j}`)]); // prettier-ignore
  for (let round = 0; round < 10; round++) {
    // Both find their requests read in one turn, and the turn goes on for long after the first one's was carried out.
    server.child.kill('SIGSTOP');
    const replied = first.batch([['SET', `key ${round}`, 'v']]).then(() => readFileSync(file, 'latin1'));
    const rest = second.batch(work);
    await sleep(30);
    server.child.kill('SIGCONT');
    expect(await replied).toContain(`key ${round}\r\n`);
    await rest;
  }
});
