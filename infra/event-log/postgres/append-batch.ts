import type { ClientBase } from 'pg';

import type { EncodedAppend } from '../codec.ts';
import type { AppendResult } from '../event-log.ts';
import { alone, appendAlone } from './append-alone.ts';
import { appendAtOnce, atOnce } from './append-at-once.ts';
import { appendCarefully } from './append-carefully.ts';
import { isTransient } from './transient.ts';

/**
 * Records many appends, each on its own terms; the results are in the order of the appends. What a batch expects is nearly always so:
 * it is recorded without a look, and looked at only when the server says that something in it does not fit.
 */
export async function appendBatch(client: ClientBase, batch: readonly EncodedAppend[]): Promise<AppendResult[]> {
  const recorded = withoutALook(client, batch);
  if (recorded !== null) {
    try {
      return await recorded;
    } catch (error) {
      if (isTransient(error)) throw error;
    }
  }
  return appendCarefully(client, batch);
}

/** Null when the batch does not tell enough for that. */
function withoutALook(client: ClientBase, batch: readonly EncodedAppend[]): Promise<AppendResult[]> | null {
  const [only] = batch;
  if (only !== undefined && batch.length === 1) {
    const statement = alone(only);
    if (statement !== null) return appendAlone(client, only, statement).then((result) => [result]);
  }
  const prepared = atOnce(batch);
  return prepared === null ? null : appendAtOnce(client, batch, prepared);
}
