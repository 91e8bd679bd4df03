import type { EventLog } from '#infra/event-log/event-log.ts';
import type { Logger } from '#infra/logging/log.ts';
import type { Pool } from 'pg';

import { advance } from './advance.ts';
import { readCheckpoints, shapeOf } from './checkpoints.ts';
import { rebuild } from './rebuild.ts';
import type { AnyView } from './view.ts';

/** What the runner's views need beside its own round. */
export interface Beside {
  readonly events: EventLog;
  readonly pool: Pool;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Brings a view that was left behind to the head, beside the others, so that they need not wait for it. The locks on checkpoints
 * make this safe while the runner takes the view up again, which it does as soon as the view has come to where the runner is.
 */
export async function catchUp({ events, pool, log, signal }: Beside, view: AnyView): Promise<void> {
  const client = await pool.connect();
  client.on('error', () => {});
  try {
    await client.query('SET synchronous_commit = off');
    while (!signal.aborted) {
      const checkpoint = (await readCheckpoints(client)).find((one) => one.view === view.name);
      const head = await events.head();
      if (checkpoint === undefined || checkpoint.haltedAt !== null || checkpoint.shape !== shapeOf(view)) return;
      if (checkpoint.position >= head) return;
      let after = checkpoint.position;
      for await (const batch of events.readAll({ after, to: head })) {
        const upTo = batch.at(-1)?.position ?? after;
        await advance(client, [view], { after, events: batch, upTo }, log);
        after = upTo;
        if (signal.aborted) return;
      }
    }
  } finally {
    client.release(true);
  }
}

/** A table that another version of the view made is replaced by one of this version. */
export async function renew({ events, pool, log, signal }: Beside, view: AnyView): Promise<void> {
  if (signal.aborted) return;
  log.info({ view: view.name }, 'the definition of this view changed: rebuilding it');
  const position = await rebuild(events, pool, view, { signal });
  log.info({ view: view.name, position: position.toString() }, 'the view is rebuilt');
}
