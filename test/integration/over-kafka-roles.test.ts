/** The suites of those who act on what the log says, once more with the events by way of Kafka: reactions and node managers. */
import { overKafka } from '../tools/transport.ts';

overKafka({
  'reactions to tenants': () => import('./tenant-cascade.test.ts'),
  'node managers': () => import('./node-manager-lifecycle.test.ts'),
  'backups and restores': () => import('./backup-restore.test.ts'),
});
