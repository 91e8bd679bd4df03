import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import type { AuditEvent } from '#domains/audit/events.ts';
import type { BackupEvent } from '#domains/backup/events.ts';
import type { IdentityEvent } from '#domains/identity/events.ts';
import type { ManagerEvent } from '#domains/manager/events.ts';
import type { NodeEvent } from '#domains/node/events.ts';
import type { ReservationEvent } from '#domains/reservation/events.ts';
import type { RestoreEvent } from '#domains/restore/events.ts';
import type { SubjectEvent } from '#domains/subject/events.ts';
import type { TenantEvent } from '#domains/tenant/events.ts';
import { describe, expect, expectTypeOf, test } from 'vitest';

import type { EventData } from './event-data.ts';
import { decode, encode, eventTypes, personalFields } from './registry.ts';

type AnyEvent =
  | AuditEvent
  | BackupEvent
  | IdentityEvent
  | ManagerEvent
  | NodeEvent
  | ReservationEvent
  | RestoreEvent
  | SubjectEvent
  | TenantEvent;

/** Ids are branded in the domains; a sample only has to have the shape. */
type Plain<T> = T extends string
  ? string
  : T extends readonly unknown[]
    ? T
    : T extends object
      ? { [K in keyof T]: Plain<T[K]> }
      : T;

/** What the domains say of each event, as a schema can say it. */
type Said = { [Type in AnyEvent['type']]: Plain<Extract<AnyEvent, { type: Type }>['data']> };
type Same<Left, Right> = [Left] extends [Right] ? ([Right] extends [Left] ? true : false) : false;
/** The events of which the domains and the schemas (`event-data.ts` is made of them) say different things. */
type Drifted = {
  [Type in keyof EventData | keyof Said]: Type extends keyof EventData & keyof Said
    ? Same<EventData[Type], Said[Type]> extends true
      ? never
      : Type
    : Type;
}[keyof EventData | keyof Said];

test('the domains say of each event what its newest schema says: the compiler names the one that drifted', () => {
  expectTypeOf<Drifted>().toBeNever();
});

/** One or more samples of every event type. The compiler refuses this table when a type is missing or a field is wrong. */
const samples: { [Type in AnyEvent['type']]: readonly Plain<Extract<AnyEvent, { type: Type }>['data']>[] } = {
  TenantCreated: [{ tenantId: 'tnt_1', name: 'Čapek & Söhne 🤖', plan: 'free' }],
  SubjectErased: [{ subject: 'tnt_1' }],
  TenantSuspended: [{ tenantId: 'tnt_1', reason: '' }],
  TenantResumed: [{ tenantId: 'tnt_1' }],
  TenantDeleted: [{ tenantId: 'tnt_1' }],
  NodeRequested: [
    {
      nodeId: 'node_1',
      tenantId: 'tnt_1',
      name: 'cache',
      memoryLimitMb: 64,
      evictionPolicy: 'allkeys-lru',
      durability: 'everysec',
      replicas: 0,
      engine: 'builtin',
      passwordSha256: 'ab',
      operationId: 'op_1',
      restoreFrom: null,
      plan: 'free',
    },
    {
      nodeId: 'node_1',
      tenantId: 'tnt_1',
      name: 'cache',
      memoryLimitMb: 2 ** 40,
      evictionPolicy: 'noeviction',
      durability: 'always',
      replicas: 2,
      engine: 'dedicated',
      passwordSha256: 'ab',
      operationId: 'op_1',
      restoreFrom: 'bkp_1',
      plan: 'standard',
    },
  ],
  NodePlaced: [{ nodeId: 'node_1', managerId: 'manager-1', epoch: 1 }],
  NodeStarted: [{ nodeId: 'node_1', managerId: 'manager-1', epoch: 1 }],
  NodeFailed: [{ nodeId: 'node_1', reason: 'no memory' }],
  NodeStartRequested: [{ nodeId: 'node_1', operationId: 'op_1' }],
  NodeStopRequested: [{ nodeId: 'node_1', operationId: 'op_1', reason: 'tenant_suspended' }],
  NodeStopped: [{ nodeId: 'node_1' }],
  NodeResized: [{ nodeId: 'node_1', memoryLimitMb: 128 }],
  NodeCredentialsRotated: [{ nodeId: 'node_1', passwordSha256: 'cd' }],
  NodeDeleteRequested: [{ nodeId: 'node_1', operationId: 'op_1' }],
  NodeDeleted: [{ nodeId: 'node_1' }],
  BackupRequested: [{ backupId: 'bkp_1', nodeId: 'node_1', tenantId: 'tnt_1', nodeName: 'cache', operationId: 'op_1' }],
  BackupStarted: [{ backupId: 'bkp_1' }],
  BackupCompleted: [
    { backupId: 'bkp_1', objectKey: 'backups/a', sha256: 'ef', bytes: 2 ** 53 - 2, keys: 0, digest: '01' },
  ],
  BackupVerified: [{ backupId: 'bkp_1' }],
  BackupFailed: [{ backupId: 'bkp_1', reason: 'disk full' }],
  BackupDeleted: [{ backupId: 'bkp_1' }],
  RestoreRequested: [{ operationId: 'op_1', backupId: 'bkp_1', nodeId: 'node_1', tenantId: 'tnt_1', inPlace: true }],
  RestoreStarted: [{ operationId: 'op_1' }],
  RestoreCompleted: [{ operationId: 'op_1', keys: 10, expiredKeys: 1, digest: '01' }],
  RestoreFailed: [{ operationId: 'op_1', reason: 'digests differ' }],
  ApiKeyCreated: [
    { keyId: 'key_1', name: 'ci', role: 'operator', tenantId: null, secretSha256: 'ab' },
    { keyId: 'key_1', name: 'ci', role: 'tenant-admin', tenantId: 'tnt_1', secretSha256: 'ab' },
  ],
  ApiKeyRevoked: [{ keyId: 'key_1', reason: 'lost' }],
  ManagerRegistered: [{ managerId: 'manager-1', host: '127.0.0.1', respPort: 6001, memoryBudgetMb: 2048 }],
  NameReserved: [{ holder: 'tnt_1' }],
  NameReleased: [{ holder: 'tnt_1' }],
  CommandAccepted: [
    {
      action: 'node.create',
      targetKind: 'node',
      targetId: 'node_1',
      requestHmac: 'ab',
      result: { operationId: 'op_1' },
    },
    { action: 'node.stop', targetKind: 'node', targetId: 'node_1', requestHmac: 'ab', result: {} },
  ],
  CommandRejected: [
    {
      action: 'node.create',
      targetKind: 'node',
      targetId: 'node_1',
      requestHmac: 'ab',
      code: 'name_taken',
      detail: '…',
    },
  ],
  CommandDenied: [
    {
      action: 'node.create',
      targetKind: 'node',
      targetId: 'node_1',
      requestHmac: 'ab',
      code: 'forbidden',
      detail: '…',
    },
  ],
  DataAccessed: [
    { action: 'node.exec', targetKind: 'node', targetId: 'node_1', requestHmac: 'ab', redisCommand: 'SET' },
  ],
};

test('every event type has a schema, and every schema an event type', () => {
  expect(eventTypes().toSorted()).toEqual(Object.keys(samples).toSorted());
});

describe.each(Object.entries(samples))('%s', (type, data) => {
  test('what is written is what is read, in a plain object', () => {
    for (const sample of data) {
      const { schemaVersion, bytes } = encode(type, sample);
      const read = decode(type, schemaVersion, bytes);
      expect(read).toEqual(sample);
      expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
    }
  });

  test('each field is needed, and of its type; others are refused', () => {
    for (const sample of data) {
      for (const field of Object.keys(sample)) {
        expect(() => encode(type, { ...sample, [field]: undefined })).toThrow(`${type}.${field}`);
        expect(() => encode(type, { ...sample, [field]: Symbol('wrong') })).toThrow(`${type}.${field}`);
      }
      expect(() => encode(type, { ...sample, extra: 1 })).toThrow(`${type}.extra is not in its schema`);
    }
  });
});

test('numbers that a 64-bit integer or JavaScript can not hold exactly are refused', () => {
  const placed = (epoch: number) => () => encode('NodePlaced', { nodeId: 'n', managerId: 'm', epoch });
  for (const epoch of [1.5, Number.NaN, 2 ** 53, Infinity]) expect(placed(epoch)).toThrow('NodePlaced.epoch');
  expect(placed(0)).not.toThrow();
});

test('a wrong value inside a map is named with its way', () => {
  const [accepted] = samples.CommandAccepted;
  expect(() => encode('CommandAccepted', { ...accepted, result: { operationId: 7 } })).toThrow(
    'CommandAccepted.result.operationId',
  );
});

test('unknown types, unknown versions and damaged bytes are errors', () => {
  expect(() => encode('NoSuchEvent', {})).toThrow('schemas/events/NoSuchEvent.v1.avsc');
  expect(() => encode('NodeStopped', null)).toThrow('must be an object');
  expect(() => decode('NodeStopped', 9, Buffer.alloc(1))).toThrow('NodeStopped.v9.avsc');
  const { bytes } = encode('NodeFailed', { nodeId: 'node_1', reason: 'x' });
  expect(() => decode('NodeFailed', 1, bytes.subarray(0, -1))).toThrow();
  expect(() => decode('NodeFailed', 1, Buffer.concat([bytes, bytes]))).toThrow();
});

test('the personal fields are those of the design, each with a field that names its subject', () => {
  const personal = eventTypes().flatMap((type) =>
    personalFields(type).map(({ name, subject }) => `${type}.${name} of ${subject}`),
  );
  expect(personal).toEqual(['ApiKeyCreated.name of keyId', 'TenantCreated.name of tenantId']);
});

test('every schema is a documented record whose name, namespace and file agree', () => {
  const folder = path.join(import.meta.dirname, 'events');
  for (const file of readdirSync(folder)) {
    const schema = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as {
      type: string;
      name: string;
      namespace: string;
      doc: string;
      fields: { name: string; doc: string; personal?: { subject: string } }[];
    };
    expect(file).toMatch(new RegExp(`^${schema.name}\\.v[0-9]+\\.avsc$`));
    expect(schema).toMatchObject({ type: 'record', namespace: expect.stringMatching(/^miniredis\.[a-z]+$/) });
    for (const { doc } of [schema, ...schema.fields]) expect(doc, file).toMatch(/\.$/);
    const names = schema.fields.map(({ name }) => name);
    for (const { personal } of schema.fields) if (personal !== undefined) expect(names).toContain(personal.subject);
  }
});
