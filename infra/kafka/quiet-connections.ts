import { createRequire } from 'node:module';

/** As much of KafkaJS's queue of a connection's requests as is mended here. */
interface RequestQueue {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  scheduleCheckPendingRequests(): void;
}

let mended = false;

/**
 * Lets connections to Kafka rest while nothing is sent. KafkaJS 2.2.4 looks on every connection each millisecond whether held back
 * requests may go out, also when there are none, which costs an idle process some percent of a core (and a warning by Node of a timer
 * that is negative). Whatever is held back still has it look again.
 */
export function quietConnections(): void {
  if (mended) return;
  mended = true;
  const load = createRequire(import.meta.url);
  const { prototype } = load('kafkajs/src/network/requestQueue') as { readonly prototype: RequestQueue };
  const schedule = Reflect.get(prototype, 'scheduleCheckPendingRequests');
  prototype.scheduleCheckPendingRequests = function scheduleWhereNeeded(this: RequestQueue): void {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this);
  };
}
