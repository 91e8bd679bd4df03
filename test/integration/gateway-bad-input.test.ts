import { connect } from 'node:net';

import { newId } from '#infra/crypto/ids.ts';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { everything } from '../tools/read-side.ts';
import { type Answer, type GatewayBed, openGatewayBed } from './gateway-bed.ts';

let bed: GatewayBed;
let tenantId: string;
let nodeId: string;

beforeAll(async () => {
  bed = await openGatewayBed();
  tenantId = (await bed.operator('POST', '/v1/tenants', { name: 'Acme' })).body.id;
  const node = await bed.operator('POST', `/v1/tenants/${tenantId}/nodes`, { name: 'cache', memoryLimitMb: 8 });
  nodeId = node.body.id;
});
afterAll(() => bed.close());

/** What the log says of the commands that an action leads to. */
async function recordedBy(action: () => Promise<unknown>) {
  const before = await bed.log.head();
  await action();
  const events = (await everything(bed.log)).filter(({ position }) => position > before);
  return events.map(({ type, data, metadata }) => ({ type, ...(data as Record<string, unknown>), metadata }));
}

function expectProblem({ status, headers, body }: Answer, code: string, expected: number): void {
  expect(headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect(body).toMatchObject({ code, status: expected, type: `/docs/problems/${code}` });
  for (const member of ['title', 'detail', 'instance']) expect(body[member]).toBeTypeOf('string');
  expect(status).toBe(expected);
  expect(headers['x-correlation-id']).toBeTypeOf('string');
}

const json = { 'content-type': 'application/json' };

describe('before it is a command, nothing is recorded', () => {
  const cases: readonly (readonly [name: string, send: () => Promise<Answer>, code: string, status: number])[] = [
    ['malformed JSON', () => bed.operator('POST', '/v1/tenants', '{"name": ', json), 'malformed_json', 400],
    [
      'invalid UTF-8',
      () => bed.operator('POST', '/v1/tenants', Buffer.from('{"name":"\xff"}', 'latin1'), json),
      'malformed_json',
      400,
    ],
    [
      'a forbidden name',
      () => bed.operator('POST', '/v1/tenants', '{"name":"x","__proto__":{}}', json),
      'malformed_json',
      400,
    ],
    ['two documents', () => bed.operator('POST', '/v1/tenants', '{"name":"x"}{}', json), 'malformed_json', 400],
    ['no body', () => bed.operator('POST', '/v1/tenants'), 'validation_failed', 400],
    ['an empty body', () => bed.operator('POST', '/v1/tenants', '', json), 'validation_failed', 400],
    ['an array', () => bed.operator('POST', '/v1/tenants', []), 'validation_failed', 400],
    ['a wrong type', () => bed.operator('POST', '/v1/tenants', { name: 7 }), 'validation_failed', 400],
    ['a blank name', () => bed.operator('POST', '/v1/tenants', { name: ' \t' }), 'validation_failed', 400],
    ['a NUL', () => bed.operator('POST', '/v1/tenants', { name: 'a\0b' }), 'validation_failed', 400],
    [
      'half a character',
      () => bed.operator('POST', '/v1/tenants', '{"name":"\\ud800"}', json),
      'validation_failed',
      400,
    ],
    [
      'a body where none belongs',
      () => bed.operator('POST', `/v1/nodes/${nodeId}/stop`, { now: true }),
      'validation_failed',
      400,
    ],
    [
      'a fraction',
      () => bed.operator('POST', `/v1/nodes/${nodeId}/resize`, { memoryLimitMb: 1.5 }),
      'validation_failed',
      400,
    ],
    [
      'a huge number',
      () => bed.operator('POST', `/v1/nodes/${nodeId}/resize`, '{"memoryLimitMb":1e400}', json),
      'validation_failed',
      400,
    ],
    [
      'an empty command',
      () => bed.operator('POST', `/v1/nodes/${nodeId}/exec`, { command: [] }),
      'validation_failed',
      400,
    ],
    [
      'numbers in a command',
      () => bed.operator('POST', `/v1/nodes/${nodeId}/exec`, { command: ['SET', 'k', 1] }),
      'validation_failed',
      400,
    ],
    [
      'too many arguments',
      () => bed.operator('POST', `/v1/nodes/${nodeId}/exec`, { command: Array(1025).fill('x') }),
      'validation_failed',
      400,
    ],
    [
      'an oversized body',
      () => bed.operator('POST', '/v1/tenants', { name: 'x'.repeat(1 << 20) }),
      'body_too_large',
      413,
    ],
    [
      'a form',
      () => bed.operator('POST', '/v1/tenants', 'name=x', { 'content-type': 'application/x-www-form-urlencoded' }),
      'unsupported_media_type',
      415,
    ],
    [
      'text',
      () => bed.operator('POST', '/v1/tenants', 'x', { 'content-type': 'text/plain' }),
      'unsupported_media_type',
      415,
    ],
    ['an unknown path', () => bed.operator('POST', '/v1/tenant', {}), 'route_not_found', 404],
    ['a path of later versions', () => bed.operator('POST', '/v1/auth/login', {}), 'route_not_found', 404],
    ['an id that is too long', () => bed.operator('GET', `/v1/nodes/${'x'.repeat(300)}`), 'not_found', 404],
    ['a wrong method', () => bed.operator('PUT', '/v1/tenants', {}), 'method_not_allowed', 405],
    ['a broken path', () => bed.operator('GET', '/v1/nodes/%zz'), 'malformed_request', 400],
    [
      'an overlong Idempotency-Key',
      () => bed.operator('POST', '/v1/tenants', { name: 'x' }, { 'idempotency-key': 'k'.repeat(256) }),
      'malformed_header',
      400,
    ],
    [
      'an empty Idempotency-Key',
      () => bed.operator('POST', '/v1/tenants', { name: 'x' }, { 'idempotency-key': '' }),
      'malformed_header',
      400,
    ],
    [
      'a malformed If-Match',
      () => bed.operator('POST', `/v1/nodes/${nodeId}/stop`, {}, { 'if-match': 'zero' }),
      'malformed_header',
      400,
    ],
    [
      'a malformed correlation id',
      () => bed.operator('GET', '/v1/nodes', undefined, { 'x-correlation-id': 'ä' }),
      'malformed_header',
      400,
    ],
    ['a limit of 0', () => bed.operator('GET', '/v1/nodes?limit=0'), 'validation_failed', 400],
    ['a limit of 201', () => bed.operator('GET', '/v1/nodes?limit=201'), 'validation_failed', 400],
    ['a limit in words', () => bed.operator('GET', '/v1/nodes?limit=ten'), 'validation_failed', 400],
    ['an unknown parameter', () => bed.operator('GET', '/v1/nodes?colour=red'), 'validation_failed', 400],
    [
      'a parameter where there are none',
      () => bed.operator('POST', '/v1/tenants?dry=1', { name: 'x' }),
      'validation_failed',
      400,
    ],
    [
      'very deep JSON',
      () => bed.operator('POST', '/v1/tenants', `{"name":${'['.repeat(400_000)}${']'.repeat(400_000)}}`, json),
      'validation_failed',
      400,
    ],
    [
      'a parameter twice',
      () => bed.operator('GET', `/v1/nodes?tenantId=${tenantId}&tenantId=x`),
      'validation_failed',
      400,
    ],
    ['a NUL in a filter', () => bed.operator('GET', '/v1/audit?q=%00'), 'validation_failed', 400],
    ['an unknown state', () => bed.operator('GET', '/v1/nodes?state=asleep'), 'validation_failed', 400],
    ['a made-up cursor', () => bed.operator('GET', '/v1/nodes?cursor=abc'), 'invalid_cursor', 400],
    [
      "another list's cursor",
      () => bed.operator('GET', `/v1/nodes?cursor=${Buffer.from(`tenants ${tenantId}`).toString('base64url')}`),
      'invalid_cursor',
      400,
    ],
    ['a time that is none', () => bed.operator('GET', `/v1/nodes/${nodeId}?at=yesterday`), 'validation_failed', 400],
    ['a position ahead', () => bed.operator('GET', `/v1/nodes/${nodeId}?at=99999999`), 'validation_failed', 400],
    ['a time ahead', () => bed.operator('GET', '/v1/nodes?at=2199-01-01T00:00:00Z'), 'validation_failed', 400],
    ['a negative position', () => bed.operator('GET', '/v1/events?from=-1'), 'validation_failed', 400],
  ];
  test.each(cases)('%s', async (_name, send, code, status) => {
    const recorded = await recordedBy(async () => expectProblem(await send(), code, status));
    expect(recorded).toEqual([]);
  });

  test('every unknown and every wrong field is listed', async () => {
    const { body } = await bed.operator('POST', `/v1/tenants/${tenantId}/nodes`, {
      name: 'Not A Label',
      memoryLimitMb: '8',
      colour: 'red',
      size: 3,
    });
    expect(body.errors.map(({ path }: { path: string }) => path).toSorted()).toEqual([
      'colour',
      'memoryLimitMb',
      'name',
      'size',
    ]);
  });

  test('a wrong method is told the right ones', async () => {
    expect((await bed.operator('PUT', `/v1/nodes/${nodeId}`, {})).headers['allow']).toBe('GET, HEAD, DELETE');
  });

  test.each([
    ['what is not HTTP', 'NOT HTTP AT ALL\r\n\r\n', 400, 'malformed_request'],
    ['a header without end', `GET / HTTP/1.1\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
  ])('%s gets a problem, too, and the connection ends', async (_name, sent, status, code) => {
    if (!bed.app.server.listening) await bed.app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = bed.app.server.address() as AddressInfo;
    const reply = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect(port, '127.0.0.1', () => socket.write(sent));
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.on('error', () => {});
      socket.on('close', () => resolve(text));
    });
    expect(reply).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(JSON.parse(reply.slice(reply.indexOf('{')))).toMatchObject({ code, status });
  });
});

describe('a command that is refused leaves one entry and changes nothing', () => {
  async function refusedOnce(send: () => Promise<Answer>, code: string, status: number, type = 'CommandRejected') {
    let answer: Answer | undefined;
    const recorded = await recordedBy(async () => {
      answer = await send();
      expectProblem(answer, code, status);
    });
    expect(recorded).toMatchObject([{ type, code }]);
    expect(recorded[0]?.metadata.commandId).toBe(answer?.headers['x-miniredis-command-id']);
    expect(answer?.headers['x-miniredis-position']).toMatch(/^\d+$/);
    return recorded[0];
  }

  test('illegal transitions', async () => {
    await refusedOnce(() => bed.operator('POST', `/v1/nodes/${nodeId}/start`), 'illegal_transition', 409);
    await refusedOnce(() => bed.operator('POST', `/v1/tenants/${tenantId}/resume`), 'illegal_transition', 409);
  });

  test('a name in use', async () => {
    await refusedOnce(() => bed.operator('POST', '/v1/tenants', { name: 'acme' }), 'name_taken', 409);
  });

  test('a stale If-Match, on every kind of thing', async () => {
    const stale = { 'if-match': '"77"' };
    const { body: key } = await bed.operator('POST', '/v1/api-keys', { role: 'auditor' });
    for (const [method, path, body] of [
      ['POST', `/v1/tenants/${tenantId}/suspend`],
      ['DELETE', `/v1/tenants/${tenantId}`],
      ['POST', `/v1/tenants/${tenantId}/nodes`, { name: 'x', memoryLimitMb: 1 }],
      ['POST', `/v1/nodes/${nodeId}/stop`],
      ['POST', `/v1/nodes/${nodeId}/resize`, { memoryLimitMb: 9 }],
      ['POST', `/v1/nodes/${nodeId}/rotate-credentials`],
      ['POST', `/v1/nodes/${nodeId}/backups`],
      ['POST', `/v1/nodes/${nodeId}/exec`, { command: ['PING'] }],
      ['DELETE', `/v1/nodes/${nodeId}`],
      ['DELETE', `/v1/api-keys/${key.id}`],
    ] as const) {
      await refusedOnce(() => bed.operator(method, path, body, stale), 'version_mismatch', 412);
    }
    const { headers } = await bed.operator('GET', `/v1/nodes/${nodeId}`);
    const fresh = await bed.operator(
      'POST',
      `/v1/nodes/${nodeId}/resize`,
      { memoryLimitMb: 9 },
      { 'if-match': headers['etag'] ?? '' },
    );
    expect(fresh).toMatchObject({ status: 200, body: { memoryLimitMb: 9 } });
    expect(fresh.headers['etag']).not.toBe(headers['etag']);
  });

  test('commands that can not run over HTTP', async () => {
    for (const command of [
      ['subscribe', 'c'],
      ['BLPOP', 'k', '0'],
      ['Multi'],
      ['MINIREDIS', 'SNAPSHOT', 'x'],
      ['XREAD', 'block', '0', 'STREAMS', 's', '$'],
    ]) {
      await refusedOnce(
        () => bed.operator('POST', `/v1/nodes/${nodeId}/exec`, { command }),
        'command_not_allowed',
        422,
      );
    }
  });

  test('unknown ids, to a key of the platform', async () => {
    for (const id of [newId('node'), 'nonsense', "'; DROP TABLE events; --"]) {
      const path = `/v1/nodes/${encodeURIComponent(id)}`;
      expect(await refusedOnce(() => bed.operator('DELETE', path), 'not_found', 404)).toMatchObject({ targetId: id });
    }
  });

  test('missing and wrong credentials leave an entry of nobody, and no trace of what was sent', async () => {
    const wrong = `${bed.operatorKey.slice(0, -2)}xx`;
    for (const client of [bed.client(null), bed.client(wrong), bed.client('nonsense')]) {
      const recorded = await recordedBy(async () => {
        expectProblem(await client('DELETE', `/v1/nodes/${nodeId}`), 'unauthenticated', 401);
      });
      expect(recorded).toMatchObject([
        {
          type: 'CommandDenied',
          code: 'unauthenticated',
          action: 'DeleteNode',
          targetKind: 'node',
          targetId: nodeId,
          metadata: { actor: { kind: 'anonymous' } },
        },
      ]);
      expect(
        JSON.stringify(recorded, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
      ).not.toContain(wrong);
      expect(
        await recordedBy(async () => expectProblem(await client('GET', '/v1/nodes'), 'unauthenticated', 401)),
      ).toEqual([]);
    }
  });
});

describe("another tenant's things and unknown ones", () => {
  test('look the same to the byte, and leave the same kind of entry', async () => {
    const { body: other } = await bed.operator('POST', '/v1/tenants', { name: 'Other' });
    const { body: foreignNode } = await bed.operator('POST', `/v1/tenants/${other.id}/nodes`, {
      name: 'n',
      memoryLimitMb: 1,
    });
    const { body: foreignBackup } = await bed.operator('POST', `/v1/nodes/${foreignNode.id}/backups`);
    const { body: foreignKey } = await bed.operator('POST', '/v1/api-keys', { role: 'auditor', tenantId: other.id });
    const { body: platformKey } = await bed.operator('POST', '/v1/api-keys', { role: 'auditor' });
    const admin = bed.client(await bed.keyOf('tenant-admin', tenantId));

    const routes: readonly (readonly [
      method: 'GET' | 'POST' | 'DELETE',
      path: (id: string) => string,
      foreign: string[],
      unknown: string,
      body?: object,
    ])[] = [
      ['GET', (id) => `/v1/tenants/${id}`, [other.id], newId('tnt')],
      ['POST', (id) => `/v1/tenants/${id}/nodes`, [other.id], newId('tnt'), { name: 'x', memoryLimitMb: 1 }],
      ['GET', (id) => `/v1/nodes/${id}`, [foreignNode.id], newId('node')],
      ['GET', (id) => `/v1/nodes/${id}?at=5`, [foreignNode.id], newId('node')],
      ['DELETE', (id) => `/v1/nodes/${id}`, [foreignNode.id], newId('node')],
      ['POST', (id) => `/v1/nodes/${id}/exec`, [foreignNode.id], newId('node'), { command: ['GET', 'k'] }],
      ['POST', (id) => `/v1/nodes/${id}/rotate-credentials`, [foreignNode.id], newId('node')],
      ['POST', (id) => `/v1/nodes/${id}/backups`, [foreignNode.id], newId('node')],
      ['GET', (id) => `/v1/backups/${id}`, [foreignBackup.id], newId('bkp')],
      ['DELETE', (id) => `/v1/backups/${id}`, [foreignBackup.id], newId('bkp')],
      ['POST', (id) => `/v1/backups/${id}/restore`, [foreignBackup.id], newId('bkp'), { name: 'x' }],
      ['GET', (id) => `/v1/operations/${id}`, [foreignBackup.operationId], newId('op')],
      ['GET', (id) => `/v1/api-keys/${id}`, [foreignKey.id, platformKey.id], newId('key')],
      ['DELETE', (id) => `/v1/api-keys/${id}`, [foreignKey.id, platformKey.id], newId('key')],
      ['GET', (id) => `/v1/nodes?tenantId=${id}`, [other.id], newId('tnt')],
      ['GET', (id) => `/v1/audit?tenantId=${id}`, [other.id], newId('tnt')],
      ['GET', (id) => `/v1/events?tenantId=${id}`, [other.id], newId('tnt')],
    ];
    for (const [method, path, foreign, unknown, body] of routes) {
      const texts = new Set<string>();
      const entries = new Set<string>();
      for (const id of [...foreign, unknown, 'nonsense']) {
        const recorded = await recordedBy(async () => {
          const answer = await admin(method, path(id), body);
          expectProblem(answer, 'not_found', 404);
          texts.add(answer.text);
        });
        expect(recorded).toHaveLength(method === 'GET' ? 0 : 1);
        for (const { type, code, detail, metadata, targetKind } of recorded as Record<string, unknown>[] as never[]) {
          entries.add(JSON.stringify([type, code, detail, (metadata as { tenantId: string }).tenantId, targetKind]));
        }
      }
      expect(texts.size, `${method} ${path('…')}`).toBe(1);
      expect(entries.size).toBe(method === 'GET' ? 0 : 1);
      for (const entry of entries) expect(entry).toMatch(new RegExp(`^\\["CommandDenied","not_found",.*"${tenantId}"`));
    }
  });
});
