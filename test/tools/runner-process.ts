/** A projection runner in a process of its own, for tests that stop or kill it: prints its state whenever that changes. */
import { loadMasterKey } from '#infra/crypto/master-key.ts';
import { openSubjectKeys } from '#infra/crypto/subject-keys.ts';
import { openCodec } from '#infra/event-codec/codec.ts';
import { openPostgresEventLog } from '#infra/event-log/postgres/log.ts';
import { createLog } from '#infra/logging/log.ts';
import { createPool } from '#infra/postgres/pool.ts';
import { runProjections } from '#projections/kernel/runner.ts';
import { allViews } from '#projections/views.ts';

const { DATABASE_URL: url = '', MASTER_KEY_FILE: masterKeyFile = '' } = process.env;
const pool = createPool(url, { name: 'runner-process' });
const codec = openCodec(openSubjectKeys(pool, await loadMasterKey(masterKeyFile)));
const log = openPostgresEventLog({ pool, codec, notify: true });
const running = runProjections(log, pool, allViews, createLog('runner', 'silent'));
let shown = '';
setInterval(() => {
  if (shown === running.state()) return;
  shown = running.state();
  console.log(shown);
}, 10);
