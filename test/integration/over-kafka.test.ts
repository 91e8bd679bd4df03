/** The suites of those who follow the log, once more with the events by way of Kafka: read models, reactions, node managers. */
import { describe } from 'vitest';

import { followByKafka } from '../tools/transport.ts';

followByKafka();

const suites = {
  'read models': () => import('#projections/kernel/runner.test.ts'),
  'consumer groups': () => import('#infra/event-log/consumers/consumers.test.ts'),
  'reactions to tenants': () => import('./tenant-cascade.test.ts'),
  'node managers': () => import('./node-manager-lifecycle.test.ts'),
  'backups and restores': () => import('./backup-restore.test.ts'),
  'a log in EventStoreDB': () => import('./eventstore-platform.test.ts'),
};
for (const [name, suite] of Object.entries(suites)) describe(name, async () => void (await suite()));
