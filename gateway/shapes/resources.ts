import { Role } from '#domains/identity/roles.ts';
import { Durability, Engine, EvictionPolicy } from '#domains/node/settings.ts';
import { z } from 'zod';

import { Position, Timestamp, Version } from './common.ts';

/** What everything with a history of its own shows of it. */
const history = { createdAt: Timestamp, updatedAt: Timestamp, version: Version };

export const Tenant = z
  .object({
    id: z.string(),
    name: z.string().nullable().meta({ description: 'Null once it was erased.' }),
    plan: z.string(),
    state: z.enum(['active', 'suspended', 'deleted']),
    ...history,
  })
  .meta({ id: 'Tenant' });

export const NodeState = z.enum([
  'requested',
  'provisioning',
  'running',
  'stopping',
  'stopped',
  'failed',
  'deleting',
  'deleted',
]);

/** Where a node's clients connect. Password and URL are shown once, to whoever created the node or rotated them. */
const Endpoint = z
  .object({
    host: z.string(),
    port: z.int(),
    username: z.string(),
    password: z.string().optional(),
    url: z.string().optional().meta({ description: 'redis:// URL with the password in it.' }),
  })
  .meta({ id: 'Endpoint' });

const nodeFields = {
  id: z.string(),
  tenantId: z.string(),
  name: z.string(),
  state: NodeState,
  memoryLimitMb: z.int(),
  evictionPolicy: EvictionPolicy,
  durability: Durability,
  replicas: z.int(),
  engine: Engine,
  managerId: z.string().nullable(),
  epoch: z.int().meta({ description: 'Grows with every placement; fences off earlier ones.' }),
  failure: z.string().nullable(),
  endpoint: Endpoint,
  ...history,
};

export const Node = z.object(nodeFields).meta({ id: 'Node' });

export const Operation = z
  .object({
    id: z.string(),
    kind: z.enum(['node.create', 'node.start', 'node.stop', 'node.delete', 'backup', 'restore']),
    tenantId: z.string().nullable(),
    state: z.enum(['pending', 'running', 'succeeded', 'failed', 'cancelled']),
    percent: z.int().min(0).max(100),
    message: z.string(),
    target: z.object({ kind: z.string(), id: z.string() }),
    result: z.record(z.string(), z.unknown()).nullable(),
    error: z.object({ code: z.string(), detail: z.string() }).nullable(),
    ...history,
  })
  .meta({ id: 'Operation' });

/** Says that the secret of the first reply is not repeated. */
const credentialsShown = z.literal(true).optional().meta({ description: 'They were shown before; rotate to get new.' });

export const NodeReply = z
  .object({ ...nodeFields, operation: Operation.optional(), credentialsShown })
  .meta({ id: 'NodeReply' });

export const Backup = z
  .object({
    id: z.string(),
    nodeId: z.string(),
    tenantId: z.string(),
    nodeName: z.string(),
    operationId: z.string(),
    state: z.enum(['requested', 'running', 'completed', 'verified', 'failed', 'deleted']),
    objectKey: z.string().nullable(),
    sha256: z.string().nullable(),
    bytes: z.number().nullable(),
    keys: z.number().nullable(),
    digest: z.string().nullable(),
    failure: z.string().nullable(),
    completedAt: Timestamp.nullable(),
    verifiedAt: Timestamp.nullable(),
    ...history,
  })
  .meta({ id: 'Backup' });

export const BackupReply = Backup.extend({ operation: Operation.optional() }).meta({ id: 'BackupReply' });

export const ApiKey = z
  .object({
    id: z.string(),
    name: z.string().nullable(),
    role: Role,
    tenantId: z.string().nullable().meta({ description: 'Null: the whole platform.' }),
    state: z.enum(['active', 'revoked']),
    revokedAt: Timestamp.nullable(),
    ...history,
  })
  .meta({ id: 'ApiKey' });

export const ApiKeyReply = ApiKey.extend({
  key: z.string().optional().meta({ description: 'The key itself, shown once.' }),
  credentialsShown,
}).meta({ id: 'ApiKeyReply' });

export const Subject = z
  .object({ id: z.string(), state: z.literal('erased'), erasedAt: Timestamp })
  .meta({ id: 'Subject' });

const Party = z.object({ kind: z.string(), id: z.string() });

export const AuditItem = z
  .object({
    position: Position,
    recordedAt: Timestamp,
    actor: Party,
    tenantId: z.string().nullable(),
    action: z.string(),
    target: Party,
    outcome: z.enum(['accepted', 'rejected', 'denied']),
    code: z.string().nullable(),
    address: z.string().nullable(),
    commandId: z.string(),
    correlationId: z.string(),
    causationId: z.string().nullable(),
    redisCommand: z.string().nullable().meta({ description: 'Which Redis command it was, never its arguments.' }),
  })
  .meta({ id: 'AuditItem' });
