import type { ClientBase } from 'pg';

import type { EncodedAppend } from '../codec.ts';
import type { AppendResult } from '../event-log.ts';
import { appendAtOnce, atOnce } from './append-at-once.ts';
import { appendCarefully } from './append-carefully.ts';
import { isTransient } from './transient.ts';

/**
 * Records many appends, each on its own terms; the results are in the order of the appends. What a batch expects is nearly always so:
 * it is recorded without a look, and looked at only when the server says that something in it does not fit.
 */
export async function appendBatch(client: ClientBase, batch: readonly EncodedAppend[]): Promise<AppendResult[]> {
  const prepared = atOnce(batch);
  if (prepared !== null) {
    try {
      return await appendAtOnce(client, batch, prepared);
    } catch (error) {
      if (isTransient(error)) throw error;
    }
  }
  return appendCarefully(client, batch);
}
