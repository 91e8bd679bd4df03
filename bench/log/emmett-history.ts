import type { NodeEvent } from '#domains/node/events.ts';
import { dumbo } from '@event-driven-io/dumbo';
import {
  pongoMultiStreamProjection,
  readMessagesBatch,
  rebuildPostgreSQLProjections,
} from '@event-driven-io/emmett-postgresql';
import { Pool } from 'pg';

/** Its default is 100, with a pause of 50 ms after each. */
const batchSize = 1000;

/** Reads all events by the batches that its consumers are made of, without their pauses and checkpoints. */
export async function foldEmmett(
  url: string,
  add: (type: string, stream: string, version: number) => void,
): Promise<void> {
  const pool = dumbo({ connectionString: url });
  try {
    for (let after = 0n; ;) {
      const batch = await readMessagesBatch(pool.execute, { after, batchSize });
      for (const { type, metadata } of batch.messages) add(type, metadata.streamName, Number(metadata.streamPosition));
      if (!batch.areMessagesLeft) return;
      after = batch.currentGlobalPosition;
    }
  } finally {
    await pool.close();
  }
}

type NodeDocument = Record<string, unknown> & { _id?: string };

/** Rebuilds the view of nodes as a Pongo projection, its way to make read models. Resolves with how many seconds it took. */
export async function rebuildEmmett(url: string, count: number): Promise<number> {
  const projection = pongoMultiStreamProjection<NodeDocument, NodeEvent & { data: Record<string, unknown> }>({
    collectionName: 'nodes',
    canHandle: ['NodeRequested', 'NodePlaced', 'NodeFailed', 'NodeResized'],
    getDocumentId: ({ data }) => String(data.nodeId),
    evolve: (document: NodeDocument | null, event: object) => evolve(document, event as NodeEvent),
  });
  const consumer = rebuildPostgreSQLProjections({
    connectionString: url,
    projections: [projection as never],
    pulling: { batchSize, pullingFrequencyInMs: 0 },
  });
  const began = performance.now();
  await consumer.start();
  const seconds = (performance.now() - began) / 1000;
  await consumer.close();
  const client = new Pool({ connectionString: url, max: 1 });
  const { rows } = await client.query<{ count: string }>(
    `SELECT count(*) FROM nodes WHERE data->>'memoryLimitMb' = '128'`,
  );
  await client.end();
  if (Number(rows[0]?.count) !== count) throw new Error(`${rows[0]?.count} nodes were rebuilt of ${count}`);
  return seconds;
}

/** What our own reducer does, on documents. */
function evolve(document: NodeDocument | null, { type, data }: NodeEvent): NodeDocument | null {
  switch (type) {
    case 'NodeRequested':
      return { ...data, state: 'requested', managerId: null, epoch: 0, failure: null };
    case 'NodePlaced':
      return { ...document, state: 'provisioning', managerId: data.managerId, epoch: data.epoch };
    case 'NodeFailed':
      return { ...document, state: 'failed', failure: data.reason };
    case 'NodeResized':
      return { ...document, memoryLimitMb: data.memoryLimitMb };
    default:
      return document;
  }
}
