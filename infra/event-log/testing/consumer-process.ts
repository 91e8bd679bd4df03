/**
 * A member of a consumer group in a process of its own, for tests that kill and stall it: `node consumer-process.ts <url> <lease ms>`.
 * Its effect is a row of the table `effects`, which takes none of an epoch older than it has seen; events that say "poison" fail
 * until the table `cured` has a row. It says "up" when it has its first shard.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { createLog } from '#infra/logging/log.ts';

import { startConsumer } from '../consumers/member.ts';
import { openLog } from './log-under-test.ts';

const [url = '', lease_ms = ''] = process.argv.slice(2);
const under = openLog(url, { name: 'consumer process' });
const { pool, log } = under;
const member = startConsumer({
  consumer: {
    name: 'effects',
    categories: ['node'],
    types: ['NodeFailed'],
    policy: { attempts: 2, delayMin_ms: 1, delayMax_ms: 1 },
    isTransient: (error) => !(error instanceof TypeError),
    async handle({ stream, version, data }, { shard, epoch }) {
      const { reason } = data as { reason: string };
      if (reason === 'poison' && (await pool.query('SELECT FROM cured')).rowCount === 0) throw new TypeError(reason);
      // Time in which a process may be stopped between deciding and doing.
      await sleep(Math.random() * 2);
      await pool.query(
        `INSERT INTO effects (stream, version, shard, epoch) SELECT $1::text, $2, $3::integer, $4::bigint
         WHERE NOT EXISTS (SELECT FROM effects WHERE shard = $3 AND epoch > $4)`,
        [stream, version, shard, epoch],
      );
    },
  },
  log,
  pool,
  logger: createLog('consumer', 'silent'),
  lease_ms: Number(lease_ms),
});
const waiting = setInterval(() => {
  if (member.status().shards.length === 0) return;
  console.log('up');
  clearInterval(waiting);
}, 10);
process.on('SIGTERM', async () => {
  clearInterval(waiting);
  await member.stop();
  await under.close();
});
