import type { Logger } from '#infra/logging/log.ts';
import type { ClientBase } from 'pg';

import { applyBatch, ViewFailure, type Applied, type Batch } from './apply.ts';
import { recordHalt } from './checkpoints.ts';
import type { AnyView } from './view.ts';

/**
 * Applies a batch as far as it goes. A view that can't apply an event is brought up to just before it and halts there, loudly;
 * the others go on as if it were not there. Throws only what the connection throws.
 */
export async function advance(
  client: ClientBase,
  views: readonly AnyView[],
  batch: Batch,
  log: Logger,
): Promise<Applied> {
  try {
    return await applyBatch(client, views, batch);
  } catch (error) {
    if (!(error instanceof ViewFailure)) throw error;
    const [event, another] = batch.events;
    if (event === undefined) throw error;
    if (another !== undefined) return advanceOneByOne(client, views, batch, log);
    const reason = `${event.type} on ${event.stream}: ${error.message}`;
    await recordHalt(client, error.view, event.position, reason);
    log.error(
      { view: error.view.name, position: event.position.toString(), err: error },
      'a view halted: it cannot apply this event, and is tried again at the next start',
    );
    return advance(client, views, batch, log);
  }
}

/** Which event it is shows when each stands alone. */
async function advanceOneByOne(
  client: ClientBase,
  views: readonly AnyView[],
  batch: Batch,
  log: Logger,
): Promise<Applied> {
  let after = batch.after;
  for (const event of batch.events) {
    await advance(client, views, { after, events: [event], upTo: event.position }, log);
    after = event.position;
  }
  return advance(client, views, { after, events: [], upTo: batch.upTo }, log);
}
