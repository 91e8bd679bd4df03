/** The suites of those who follow a log, once more with the events by way of Kafka: read models and consumer groups. */
import { overKafka } from '../tools/transport.ts';

overKafka({
  'read models': () => import('#projections/kernel/runner.test.ts'),
  'consumer groups': () => import('#infra/event-log/consumers/consumers.test.ts'),
  'a log in EventStoreDB': () => import('./eventstore-platform.test.ts'),
});
