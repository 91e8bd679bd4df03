import { setTimeout as sleep } from 'node:timers/promises';

import { backupDecider } from '#domains/backup/decider.ts';
import { backupStream } from '#domains/backup/events.ts';
import { BackupId } from '#domains/kernel/ids.ts';
import { step } from '#infra/commands/step.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { everything, until } from '../tools/read-side.ts';
import { type GatewayBed, openGatewayBed } from './gateway-bed.ts';

let bed: GatewayBed;
let url: string;
let tenantId: string;
let nodeId: string;
beforeAll(async () => {
  bed = await openGatewayBed();
  url = await bed.app.listen({ port: 0, host: '127.0.0.1' });
  tenantId = (await bed.operator('POST', '/v1/tenants', { name: 'Acme' })).body.id;
  const { body } = await bed.operator('POST', `/v1/tenants/${tenantId}/nodes`, { name: 'cache', memoryLimitMb: 4 });
  nodeId = body.id;
  await bed.operator('POST', '/v1/tenants', { name: 'Other' });
});
afterAll(() => bed.close());

interface Sent {
  readonly id: string | undefined;
  readonly event: string | undefined;
  // oxlint-disable-next-line typescript/no-explicit-any -- a client in a test reads whatever came
  readonly data: any;
}

/** A client of server-sent events that collects what comes. */
function listen(path: string, key = bed.operatorKey, headers: Record<string, string> = {}) {
  const leaving = new AbortController();
  const events: Sent[] = [];
  const state = { ended: false, comments: 0, status: 0, contentType: '' };
  const done = (async () => {
    try {
      const response = await fetch(`${url}${path}`, {
        headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream', ...headers },
        signal: leaving.signal,
      });
      state.status = response.status;
      state.contentType = response.headers.get('content-type') ?? '';
      let text = '';
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? []) {
        text += decoder.decode(chunk, { stream: true });
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks) {
          const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
          if (block.startsWith(':')) state.comments += 1;
          else events.push({ id: field('id'), event: field('event'), data: JSON.parse(field('data') ?? 'null') });
        }
      }
    } catch (error) {
      if (!leaving.signal.aborted) throw error;
    } finally {
      state.ended = true;
    }
  })();
  return { events, state, done, leave: () => leaving.abort() };
}

async function history(query: string, key = bed.operatorKey) {
  const answer = await bed.client(key)('GET', `/v1/events${query}`);
  expect(answer.status).toBe(200);
  expect(answer.headers['content-type']).toBe('application/x-ndjson; charset=utf-8');
  return answer.text
    .split('\n')
    .filter(Boolean)
    .map(
      (line) => JSON.parse(line) as { position: number; stream: string; type: string; metadata: { tenantId: string } },
    );
}

describe('the history as NDJSON', () => {
  test('is the whole log, in order and with everything that is known of each event', async () => {
    const lines = await history('?from=0');
    const log = JSON.parse(
      JSON.stringify(await everything(bed.log), (_key, value: unknown) =>
        typeof value === 'bigint' ? Number(value) : value,
      ),
    ) as unknown[];
    expect(lines).toEqual(log);
    expect(Object.keys(lines[0] ?? {})).toEqual([
      'position',
      'eventId',
      'stream',
      'version',
      'type',
      'schemaVersion',
      'recordedAt',
      'data',
      'metadata',
    ]);
    expect(lines.map(({ position }) => position)).toEqual(lines.map((_, n) => n + 1));
    expect(await history('')).toEqual(lines);
    expect(await history('?from=1')).toEqual(lines);
  });

  test('starts and ends where asked, and holds the categories asked for', async () => {
    const all = await history('');
    expect(await history('?from=4&to=9')).toEqual(all.slice(3, 9));
    expect(await history('?from=4&limit=2')).toEqual(all.slice(3, 5));
    expect(await history(`?from=${all.length + 1}`)).toEqual([]);
    expect(await history('?from=99999999&to=999999999')).toEqual([]);
    const nodes = await history('?category=node');
    expect(nodes).toEqual(all.filter(({ stream }) => stream.startsWith('node-')));
    expect(nodes.length).toBeGreaterThan(2);
    const both = await history('?category=node,tenant');
    expect(both).toEqual(all.filter(({ stream }) => /^(node|tenant)-/.test(stream)));
  });

  test("holds a tenant's own events alone for a tenant's key", async () => {
    const auditor = await bed.keyOf('auditor', tenantId);
    const own = await history('', auditor);
    expect(own.map(({ type }) => type)).toContain('NodeRequested');
    expect(new Set(own.map(({ metadata }) => metadata.tenantId))).toEqual(new Set([tenantId]));
    expect(own).toEqual((await history('')).filter(({ metadata }) => metadata.tenantId === tenantId));
  });

  test('waits for a client that reads slowly, and is whole in the end', async () => {
    const response = await fetch(`${url}/v1/events`, { headers: { authorization: `Bearer ${bed.operatorKey}` } });
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      await sleep(5);
    }
    expect(bytes).toBeGreaterThan(5000);
  });
});

describe('the history as server-sent events', () => {
  test('begins where asked, follows what comes, and keeps the connection alive', async () => {
    const head = Number(await bed.log.head());
    const client = listen(`/v1/events?from=${head - 1}`);
    await until(() => client.events.length === 2, 'what was there has come');
    await bed.operator('POST', '/v1/tenants', { name: 'Followed' });
    await until(() => client.events.length === 5, 'what is new has come');
    expect(client.state.contentType).toMatch(/^text\/event-stream/);
    expect(client.events.map(({ id }) => Number(id))).toEqual([head - 1, head, head + 1, head + 2, head + 3]);
    expect(client.events.map(({ data }) => data.position)).toEqual(client.events.map(({ id }) => Number(id)));
    expect(client.events.at(-1)?.event).toBe('CommandAccepted');
    await until(() => client.state.comments >= 2, 'a comment keeps the connection alive');
    client.leave();
    await client.done;
  });

  test('goes on after the last event a client has seen', async () => {
    const head = Number(await bed.log.head());
    const client = listen('/v1/events?from=0', bed.operatorKey, { 'last-event-id': String(head - 2) });
    await until(() => client.events.length === 2, 'the rest has come');
    expect(client.events.map(({ id }) => Number(id))).toEqual([head - 1, head]);
    client.leave();
    await client.done;
    const refused = await bed.operator('GET', '/v1/events', undefined, {
      accept: 'text/event-stream',
      'last-event-id': 'x',
    });
    expect(refused).toMatchObject({ status: 400, body: { code: 'malformed_header' } });
  });

  test('ends at the end of a range, and at its limit', async () => {
    const ranged = listen('/v1/events?from=2&to=4');
    await ranged.done;
    expect(ranged.events.map(({ id }) => id)).toEqual(['2', '3', '4']);
    const limited = listen('/v1/events?from=3&limit=2&category=tenant,command');
    await limited.done;
    expect(limited.events).toHaveLength(2);
  });

  test("shows a tenant's own events alone, and ends once the key is revoked", async () => {
    const { body: made } = await bed.operator('POST', '/v1/api-keys', { role: 'auditor', tenantId });
    const client = listen('/v1/events', made.key);
    await until(() => client.events.length > 0, 'events have come');
    await bed.operator('POST', '/v1/tenants', { name: 'Not theirs' });
    await bed.operator('POST', `/v1/nodes/${nodeId}/resize`, { memoryLimitMb: 5 });
    await until(() => client.events.some(({ event }) => event === 'NodeResized'), 'their own event has come');
    expect(new Set(client.events.map(({ data }) => data.metadata.tenantId))).toEqual(new Set([tenantId]));
    await bed.operator('DELETE', `/v1/api-keys/${made.id}`);
    await until(() => client.state.ended, 'the stream of a revoked key ends');
  });

  test('needs the right to read', async () => {
    const developer = listen('/v1/events', await bed.keyOf('tenant-developer', tenantId));
    await developer.done;
    expect(developer.state.status).toBe(403);
  });
});

describe('an operation as server-sent events', () => {
  test('is followed through its states to its end', async () => {
    const { body: backup } = await bed.operator('POST', `/v1/nodes/${nodeId}/backups`);
    const client = listen(`/v1/operations/${backup.operationId}`);
    const backupId = BackupId.parse(backup.id);
    const stream = backupStream(backupId);
    const content = { objectKey: 'o', sha256: 'a'.repeat(64), bytes: 1, keys: 1, digest: 'd' };
    for (const command of [
      { type: 'ReportBackupStarted', data: { backupId } },
      { type: 'ReportBackupCompleted', data: { backupId, ...content } },
      { type: 'ReportBackupVerified', data: { backupId } },
    ] as const) {
      const count = client.events.length;
      await until(() => client.events.length > count || client.events.length > 0, 'the state before has come');
      const before = client.events.length;
      await bed.decide(step({ stream, decider: backupDecider, command }));
      await until(() => client.events.length > before, `${command.type} has come`);
    }
    await client.done;
    expect(client.events.map(({ data }) => [data.state, data.percent])).toEqual([
      ['pending', 0],
      ['running', 10],
      ['running', 60],
      ['succeeded', 100],
    ]);
    expect(client.events.at(-1)?.data).toEqual(
      (await bed.operator('GET', `/v1/operations/${backup.operationId}`)).body,
    );
  });

  test('that has ended is shown once', async () => {
    const { body: backup } = await bed.operator('POST', `/v1/nodes/${nodeId}/backups`);
    const backupId = BackupId.parse(backup.id);
    const command = { type: 'ReportBackupFailed', data: { backupId, reason: 'the disk is full' } } as const;
    await bed.decide(step({ stream: backupStream(backupId), decider: backupDecider, command }));
    const client = listen(`/v1/operations/${backup.operationId}`);
    await client.done;
    expect(client.events).toMatchObject([
      { event: 'operation', data: { state: 'failed', error: { code: 'backup_failed', detail: 'the disk is full' } } },
    ]);
  });
});

test('closing ends all streams and is over at once, with requests in flight answered', async () => {
  const closing = await openGatewayBed();
  const before = url;
  url = await closing.app.listen({ port: 0, host: '127.0.0.1' });
  const streams = [listen('/v1/events', closing.operatorKey), listen('/v1/events?category=node', closing.operatorKey)];
  await until(() => streams.every(({ state }) => state.comments > 0), 'the streams are open');
  closing.manager.busy = true;
  const { body: tenant } = await closing.operator('POST', '/v1/tenants', { name: 'Late' });
  const inFlight = fetch(`${url}/v1/tenants/${tenant.id}/nodes`, {
    method: 'POST',
    headers: { authorization: `Bearer ${closing.operatorKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'x', memoryLimitMb: 1 }),
  });
  await sleep(200);
  const started = Date.now();
  await closing.app.close();
  expect((await inFlight).status).toBe(202);
  expect(Date.now() - started).toBeLessThan(4000);
  await Promise.all(streams.map(({ done }) => done));
  await expect(fetch(`${url}/livez`)).rejects.toThrow();
  url = before;
  await closing.close();
});
