import { v5 as uuidv5 } from 'uuid';
import type { NodeEvent } from '#domains/node/events.ts';
import { eventIdOf } from '#infra/event-log/event-ids.ts';
import { encodeMetadata } from '#infra/event-log/postgres/stored-metadata.ts';
import { encode } from '#schemas/registry.ts';
import { Client } from 'pg';
import { copyIn } from './copy-in.ts';

/** How many events each node of the history has. */
export const eventsEach = 5;

const commands = '3d4f8a5e-2c5b-5d0e-9a53-0f6f7a1c9b11';
const digits = (n: number) => String(n).padStart(26, '0');
export const streamOf = (n: number) => `node-node_${digits(n)}`;

/** What happened to the n-th node: some 200 bytes of JSON an event. */
export function lifecycle(n: number): NodeEvent[] {
  const nodeId = `node_${digits(n)}` as never;
  return [
    {
      type: 'NodeRequested',
      data: {
        nodeId,
        tenantId: `tnt_${digits(n % 1000)}` as never,
        name: `cache-${n}`,
        memoryLimitMb: 64,
        evictionPolicy: 'allkeys-lru',
        durability: 'everysec',
        replicas: 0,
        engine: 'builtin',
        passwordSha256: n.toString(16).padStart(64, '0'),
        operationId: `op_${digits(n)}` as never,
        restoreFrom: null,
        plan: 'standard',
      },
    },
    { type: 'NodePlaced', data: { nodeId, managerId: 'manager-1' as never, epoch: 1 } },
    {
      type: 'NodeFailed',
      data: { nodeId, reason: 'the process of the node ended by a signal, and is started again; '.repeat(3) },
    },
    { type: 'NodePlaced', data: { nodeId, managerId: 'manager-2' as never, epoch: 2 } },
    { type: 'NodeResized', data: { nodeId, memoryLimitMb: 128 } },
  ];
}

/** The metadata of the command that the n-th node comes from, in hexadecimal digits. */
function metadataOf(n: number, uid: string): string {
  const bytes = encodeMetadata({
    actor: { kind: 'api-key', id: `key_${digits(n % 1000)}` },
    address: null,
    commandId: uid,
    correlationId: uuidv5('correlation', uid),
    causationId: null,
    trace: null,
    tenantId: null,
  });
  return `\\\\x${bytes.toString('hex')}`;
}

const recordedAt = '2026-01-01T00:00:00.000Z';

/** The rows of the nodes from one number up to another, as `append_events` would have made them in this order. */
function* eventLines(from: number, to: number): Iterable<string> {
  for (let n = from; n < to; n += 1) {
    const first = n * eventsEach + 1;
    const uid = uuidv5(String(n), commands);
    const metadata = metadataOf(n, uid);
    for (const [version, { type, data }] of lifecycle(n).entries()) {
      const { schemaVersion, bytes } = encode(type, data);
      const place = [
        first + version,
        eventIdOf(uid, version),
        recordedAt,
        first,
        version,
        schemaVersion,
        streamOf(n),
        'node',
      ];
      yield [...place, type, `tnt_${digits(n % 1000)}`, metadata, '\\N', `\\\\x${bytes.toString('hex')}`].join('\t');
    }
  }
}

function* streamLines(from: number, to: number): Iterable<string> {
  for (let n = from; n < to; n += 1) {
    const first = n * eventsEach + 1;
    yield [streamOf(n), first, first + eventsEach - 1, eventsEach - 1].join('\t');
  }
}

function* appendLines(from: number, to: number): Iterable<string> {
  const content = '00'.repeat(16);
  for (let n = from; n < to; n += 1) {
    yield [uuidv5(String(n), commands), n * eventsEach + 1, eventsEach, `\\\\x${content}`].join('\t');
  }
}

const columns =
  'position, event_id, recorded_at, stream_id, version, schema_version, stream, category, type, tenant_id, metadata, address, data';

/** Adds nodes to a log that holds those before them and nothing else. Past `append_events`, so it fills all that that would fill. */
export async function loadLifecycles(url: string, from: number, to: number): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(
      `UPDATE head SET position = $1, recorded_at = $2, next_partition = partitions_up_to($1, next_partition, partition_size)`,
      [to * eventsEach, recordedAt],
    );
    await copyIn(client, `events (${columns})`, eventLines(from, to));
    await copyIn(client, 'streams (stream, first_position, last_position, last_version)', streamLines(from, to));
    await copyIn(client, 'appends (command_uid, first_position, events, content)', appendLines(from, to));
  } finally {
    await client.end();
  }
}
