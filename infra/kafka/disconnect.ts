import { setTimeout as sleep } from 'node:timers/promises';

import type { Consumer } from 'kafkajs';

const patience_ms = 3000;

/** Leaves the group and lets go of the brokers; one that does not answer is left behind after a few seconds. */
export async function disconnect(consumer: Consumer): Promise<void> {
  await Promise.race([consumer.disconnect().catch(() => {}), sleep(patience_ms, undefined, { ref: false })]);
}
