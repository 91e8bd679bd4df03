import { backupDecider } from '#domains/backup/decider.ts';
import { backupStream } from '#domains/backup/events.ts';
import { BackupId } from '#domains/kernel/ids.ts';
import { step } from '#infra/commands/step.ts';
import { catalog } from '#schemas/catalog.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type Client, type GatewayBed, openGatewayBed } from './gateway-bed.ts';

/** Who asks: the roles bound to the tenant that the things belong to, those of another tenant, and those of the platform. */
const callers = [
  'operator',
  'admin',
  'developer',
  'auditor',
  'foreign admin',
  'foreign auditor',
  'platform auditor',
  'nobody',
] as const;
type Caller = (typeof callers)[number];

/** The things a route is about; made anew once a write on them has succeeded, so that the next one could succeed, too. */
interface Things {
  readonly tenantId: string;
  readonly nodeId: string;
  readonly stoppedNodeId: string;
  readonly backupId: string;
  readonly pendingOperationId: string;
  readonly keyId: string;
  readonly suspendedTenantId: string;
}

interface Row {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** The route as it is declared. */
  readonly url: string;
  readonly path: (things: Things) => string;
  readonly body?: (things: Things) => object;
  /** What each caller gets, in the order of `callers`. */
  readonly expected: readonly number[];
}

const node = ({ nodeId }: Things) => `/v1/nodes/${nodeId}`;
const tenant = ({ tenantId }: Things) => `/v1/tenants/${tenantId}`;
let unique = 0;

const rows: readonly Row[] = [
  //                                                                                            op  adm  dev  aud  f-a  f-u  p-a  -
  {
    method: 'POST',
    url: '/v1/tenants',
    path: () => '/v1/tenants',
    body: () => ({ name: `T${(unique += 1)}` }),
    expected: [201, 403, 403, 403, 403, 403, 403, 401],
  },
  { method: 'GET', url: '/v1/tenants', path: () => '/v1/tenants', expected: [200, 200, 200, 200, 200, 200, 200, 401] },
  { method: 'GET', url: '/v1/tenants/:tenantId', path: tenant, expected: [200, 200, 200, 200, 404, 404, 200, 401] },
  {
    method: 'POST',
    url: '/v1/tenants/:tenantId/suspend',
    path: (t) => `${tenant(t)}/suspend`,
    expected: [200, 403, 403, 403, 404, 404, 403, 401],
  },
  {
    method: 'POST',
    url: '/v1/tenants/:tenantId/resume',
    path: (t) => `/v1/tenants/${t.suspendedTenantId}/resume`,
    expected: [200, 404, 404, 404, 404, 404, 403, 401],
  },
  { method: 'DELETE', url: '/v1/tenants/:tenantId', path: tenant, expected: [200, 403, 403, 403, 404, 404, 403, 401] },
  {
    method: 'POST',
    url: '/v1/tenants/:tenantId/nodes',
    path: (t) => `${tenant(t)}/nodes`,
    body: () => ({ name: `n${(unique += 1)}`, memoryLimitMb: 1 }),
    expected: [201, 201, 201, 403, 404, 404, 403, 401],
  },
  {
    method: 'GET',
    url: '/v1/nodes',
    path: (t) => `/v1/nodes?tenantId=${t.tenantId}`,
    expected: [200, 200, 200, 200, 404, 404, 200, 401],
  },
  { method: 'GET', url: '/v1/nodes/:nodeId', path: node, expected: [200, 200, 200, 200, 404, 404, 200, 401] },
  { method: 'DELETE', url: '/v1/nodes/:nodeId', path: node, expected: [200, 200, 403, 403, 404, 404, 403, 401] },
  {
    method: 'POST',
    url: '/v1/nodes/:nodeId/start',
    path: (t) => `/v1/nodes/${t.stoppedNodeId}/start`,
    expected: [200, 200, 200, 403, 404, 404, 403, 401],
  },
  {
    method: 'POST',
    url: '/v1/nodes/:nodeId/stop',
    path: (t) => `${node(t)}/stop`,
    expected: [200, 200, 200, 403, 404, 404, 403, 401],
  },
  {
    method: 'POST',
    url: '/v1/nodes/:nodeId/failover',
    path: (t) => `${node(t)}/failover`,
    expected: [422, 422, 403, 403, 404, 404, 403, 401],
  },
  {
    method: 'POST',
    url: '/v1/nodes/:nodeId/rotate-credentials',
    path: (t) => `${node(t)}/rotate-credentials`,
    expected: [200, 200, 403, 403, 404, 404, 403, 401],
  },
  {
    method: 'POST',
    url: '/v1/nodes/:nodeId/resize',
    path: (t) => `${node(t)}/resize`,
    body: () => ({ memoryLimitMb: 2 }),
    expected: [200, 200, 200, 403, 404, 404, 403, 401],
  },
  // Nothing listens on the port of this bed's manager: whoever may is told so.
  {
    method: 'POST',
    url: '/v1/nodes/:nodeId/exec',
    path: (t) => `${node(t)}/exec`,
    body: () => ({ command: ['PING'] }),
    expected: [503, 503, 503, 403, 404, 404, 403, 401],
  },
  {
    method: 'POST',
    url: '/v1/nodes/:nodeId/backups',
    path: (t) => `${node(t)}/backups`,
    expected: [202, 202, 202, 403, 404, 404, 403, 401],
  },
  {
    method: 'GET',
    url: '/v1/backups',
    path: (t) => `/v1/backups?tenantId=${t.tenantId}`,
    expected: [200, 200, 200, 200, 404, 404, 200, 401],
  },
  {
    method: 'GET',
    url: '/v1/backups/:backupId',
    path: (t) => `/v1/backups/${t.backupId}`,
    expected: [200, 200, 200, 200, 404, 404, 200, 401],
  },
  {
    method: 'DELETE',
    url: '/v1/backups/:backupId',
    path: (t) => `/v1/backups/${t.backupId}`,
    expected: [200, 200, 403, 403, 404, 404, 403, 401],
  },
  {
    method: 'POST',
    url: '/v1/backups/:backupId/restore',
    path: (t) => `/v1/backups/${t.backupId}/restore`,
    body: () => ({ name: `r${(unique += 1)}` }),
    expected: [202, 202, 403, 403, 404, 404, 403, 401],
  },
  {
    method: 'GET',
    url: '/v1/operations/:operationId',
    path: (t) => `/v1/operations/${t.pendingOperationId}`,
    expected: [200, 200, 200, 200, 404, 404, 200, 401],
  },
  {
    method: 'POST',
    url: '/v1/api-keys',
    path: () => '/v1/api-keys',
    body: (t) => ({ role: 'tenant-developer', tenantId: t.tenantId }),
    expected: [201, 201, 403, 403, 404, 404, 403, 401],
  },
  {
    method: 'GET',
    url: '/v1/api-keys',
    path: (t) => `/v1/api-keys?tenantId=${t.tenantId}`,
    expected: [200, 200, 403, 200, 404, 404, 200, 401],
  },
  {
    method: 'GET',
    url: '/v1/api-keys/:keyId',
    path: (t) => `/v1/api-keys/${t.keyId}`,
    expected: [200, 200, 403, 200, 404, 404, 200, 401],
  },
  {
    method: 'DELETE',
    url: '/v1/api-keys/:keyId',
    path: (t) => `/v1/api-keys/${t.keyId}`,
    expected: [200, 200, 403, 403, 404, 404, 403, 401],
  },
  {
    method: 'POST',
    url: '/v1/subjects/:subjectId/erase',
    path: (t) => `/v1/subjects/${t.keyId}/erase`,
    // The key is in use.
    expected: [409, 403, 403, 403, 404, 404, 403, 401],
  },
  {
    method: 'GET',
    url: '/v1/audit',
    path: (t) => `/v1/audit?tenantId=${t.tenantId}`,
    expected: [200, 200, 403, 200, 404, 404, 200, 401],
  },
  {
    method: 'GET',
    url: '/v1/events',
    path: (t) => `/v1/events?tenantId=${t.tenantId}`,
    expected: [200, 200, 403, 200, 404, 404, 200, 401],
  },
  { method: 'GET', url: '/livez', path: () => '/livez', expected: [200, 200, 200, 200, 200, 200, 200, 200] },
  { method: 'GET', url: '/readyz', path: () => '/readyz', expected: [503, 503, 503, 503, 503, 503, 503, 503] },
  { method: 'GET', url: '/metrics', path: () => '/metrics', expected: [200, 200, 200, 200, 200, 200, 200, 200] },
  {
    method: 'GET',
    url: '/openapi.json',
    path: () => '/openapi.json',
    expected: [200, 200, 200, 200, 200, 200, 200, 200],
  },
  {
    method: 'GET',
    url: '/docs/problems/:code',
    path: () => '/docs/problems/forbidden',
    expected: [200, 200, 200, 200, 200, 200, 200, 200],
  },
  { method: 'GET', url: '/docs', path: () => '/docs', expected: [200, 200, 200, 200, 200, 200, 200, 200] },
  { method: 'GET', url: '/docs/', path: () => '/docs/', expected: [200, 200, 200, 200, 200, 200, 200, 200] },
  {
    method: 'GET',
    url: '/docs/js/scalar.js',
    path: () => '/docs/js/scalar.js',
    expected: [200, 200, 200, 200, 200, 200, 200, 200],
  },
  {
    method: 'POST',
    url: '/v1/access-tokens',
    path: () => '/v1/access-tokens',
    expected: [201, 201, 201, 201, 201, 201, 201, 401],
  },
  // Whoever has a key may decode what is in Kafka.
  ...[
    '/contexts',
    '/schemas',
    '/schemas/types',
    '/schemas/ids/:id',
    '/schemas/ids/:id/schema',
    '/schemas/ids/:id/subjects',
    '/schemas/ids/:id/versions',
    '/subjects',
    '/subjects/:subject/versions',
    '/subjects/:subject/versions/:version',
    '/subjects/:subject/versions/:version/schema',
    '/subjects/:subject/versions/:version/referencedby',
    '/config',
    '/config/:subject',
    '/mode',
    '/mode/:subject',
  ].map((url) => schemaRow('GET', url)),
  ...[
    '/subjects/:subject',
    '/subjects/:subject/versions',
    '/compatibility/subjects/:subject/versions',
    '/compatibility/subjects/:subject/versions/:version',
  ].map((url) => schemaRow('POST', url)),
];

function schemaRow(method: Row['method'], url: string): Row {
  const subject = 'miniredis.node.NodeFailed';
  const [{ id, schema } = { id: 0, schema: '' }] = catalog().filter((entry) => entry.subject === subject);
  const path = url.replace(':id', String(id)).replace(':subject', subject).replace(':version', '1');
  const row = { method, url, path: () => path, expected: [200, 200, 200, 200, 200, 200, 200, 401] };
  return method === 'GET' ? row : { ...row, body: () => ({ schema }) };
}

let bed: GatewayBed;
let foreignTenantId: string;
beforeAll(async () => {
  bed = await openGatewayBed({ respPort: 1 });
  foreignTenantId = (await bed.operator('POST', '/v1/tenants', { name: 'Foreign' })).body.id;
});
afterAll(() => bed.close());

test('every route has its row, and every row its route', () => {
  const declared = bed.routeTable.routes.map(({ method, url }) => `${method} ${url}`);
  expect(rows.map(({ method, url }) => `${method} ${url}`).toSorted()).toEqual(declared.toSorted());
});

describe.each(rows)('$method $url', ({ method, path, body, expected }) => {
  test.each(callers.map((caller, column) => ({ caller, status: expected[column] })))(
    '$caller: $status',
    async ({ caller, status }) => {
      things ??= await makeThings();
      const client = await clientOf(caller, things);
      const before = await bed.log.head();
      const answer = await client(method, path(things), body?.(things));
      if (method !== 'GET' && answer.status < 400) things = undefined;
      expect(answer.status, answer.text.slice(0, 500)).toBe(status);

      if (answer.status === 401 || answer.status === 403 || answer.status === 404) {
        // Whoever may not changes nothing: all that is new is the entry that says so.
        const types: string[] = [];
        for await (const batch of bed.log.readAll({ after: before })) types.push(...batch.map(({ type }) => type));
        expect(types).toEqual(method === 'GET' ? [] : ['CommandDenied']);
      }
    },
  );
});

/** Used until a write on them succeeds. */
let things: Things | undefined;

async function makeThings(): Promise<Things> {
  const { body: made } = await bed.operator('POST', '/v1/tenants', { name: `Own${(unique += 1)}` });
  const { body: suspended } = await bed.operator('POST', '/v1/tenants', { name: `Suspended${(unique += 1)}` });
  await bed.operator('POST', `/v1/tenants/${suspended.id}/suspend`);
  const nodes = `/v1/tenants/${made.id}/nodes`;
  const { body: running } = await bed.operator('POST', nodes, { name: 'running', memoryLimitMb: 1 });
  const { body: stopped } = await bed.operator('POST', nodes, { name: 'stopped', memoryLimitMb: 1 });
  await bed.operator('POST', `/v1/nodes/${stopped.id}/stop`);
  const { body: backup } = await bed.operator('POST', `/v1/nodes/${running.id}/backups`);
  const { body: pending } = await bed.operator('POST', `/v1/nodes/${running.id}/backups`);
  await complete(BackupId.parse(backup.id));
  const { body: key } = await bed.operator('POST', '/v1/api-keys', { role: 'tenant-developer', tenantId: made.id });
  return {
    tenantId: made.id,
    nodeId: running.id,
    stoppedNodeId: stopped.id,
    backupId: backup.id,
    pendingOperationId: pending.operationId,
    keyId: key.id,
    suspendedTenantId: suspended.id,
  };
}

async function complete(backupId: BackupId): Promise<void> {
  const stream = backupStream(backupId);
  const content = { objectKey: 'o', sha256: 'a'.repeat(64), bytes: 1, keys: 1, digest: 'd' };
  await bed.decide(
    step({ stream, decider: backupDecider, command: { type: 'ReportBackupStarted', data: { backupId } } }),
    step({
      stream,
      decider: backupDecider,
      command: { type: 'ReportBackupCompleted', data: { backupId, ...content } },
    }),
  );
}

async function clientOf(caller: Caller, { tenantId }: Things): Promise<Client> {
  switch (caller) {
    case 'operator':
      return bed.operator;
    case 'admin':
      return bed.client(await bed.keyOf('tenant-admin', tenantId));
    case 'developer':
      return bed.client(await bed.keyOf('tenant-developer', tenantId));
    case 'auditor':
      return bed.client(await bed.keyOf('auditor', tenantId));
    case 'foreign admin':
      return bed.client(await bed.keyOf('tenant-admin', foreignTenantId));
    case 'foreign auditor':
      return bed.client(await bed.keyOf('auditor', foreignTenantId));
    case 'platform auditor':
      return bed.client(await bed.keyOf('auditor', null));
    case 'nobody':
      return bed.client(null);
  }
}
