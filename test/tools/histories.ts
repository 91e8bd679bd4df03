import type { BackupCommand } from '#domains/backup/commands.ts';
import { backupDecider } from '#domains/backup/decider.ts';
import { backupStream } from '#domains/backup/events.ts';
import type { IdentityCommand } from '#domains/identity/commands.ts';
import { apiKeyDecider } from '#domains/identity/decider.ts';
import { apiKeyStream } from '#domains/identity/events.ts';
import { commandStream } from '#domains/kernel/command-record.ts';
import { fold, type Decider, type DomainEvent } from '#domains/kernel/decider.ts';
import type { Metadata, RecordedEvent } from '#domains/kernel/envelope.ts';
import type { ApiKeyId, BackupId, ManagerId, NodeId, OperationId, TenantId } from '#domains/kernel/ids.ts';
import { isRejection } from '#domains/kernel/rejection.ts';
import { managerDecider } from '#domains/manager/decider.ts';
import { managerStream } from '#domains/manager/events.ts';
import type { NodeCommand } from '#domains/node/commands.ts';
import { nodeDecider } from '#domains/node/decider.ts';
import { nodeStream } from '#domains/node/events.ts';
import type { RestoreCommand } from '#domains/restore/commands.ts';
import { restoreDecider } from '#domains/restore/decider.ts';
import { restoreStream } from '#domains/restore/events.ts';
import type { TenantCommand } from '#domains/tenant/commands.ts';
import { tenantDecider } from '#domains/tenant/decider.ts';
import { tenantStream } from '#domains/tenant/events.ts';
import type { Append } from '#infra/event-log/event-log.ts';
import * as fc from 'fast-check';
import { v5 as uuidv5 } from 'uuid';

/** What somebody or the platform tries; most of it is refused by a rule, which is part of the history, too. */
export interface Wish {
  readonly verb: keyof typeof verbs;
  readonly tenant: number;
  readonly thing: number;
  readonly amount: number;
}

/** What ends things is rarer than what moves them on, so that they get somewhere before. */
const rare = /^(delete|revoke)|Failed$|^registerManager$|^createApiKey$/;

/** Random wishes about a few tenants, nodes, backups, restores, keys and managers. */
export function wishes(size: { minLength?: number; maxLength?: number } = { maxLength: 120 }): fc.Arbitrary<Wish[]> {
  const all = Object.keys(verbs) as Wish['verb'][];
  const likely = all.flatMap((verb) => (rare.test(verb) ? [verb] : [verb, verb, verb, verb]));
  return fc.array(
    fc.record({
      verb: fc.constantFrom(...likely),
      tenant: fc.nat(1),
      thing: fc.nat(2),
      amount: fc.integer({ min: 1, max: 999 }),
    }),
    size,
  );
}

const digits = (n: number) => String(n).padStart(26, '0');
export const tenantId = (n: number) => `tnt_${digits(n)}` as TenantId;
export const nodeId = (n: number) => `node_${digits(n)}` as NodeId;
export const backupId = (n: number) => `bkp_${digits(n)}` as BackupId;
const operationId = (n: number) => `op_${digits(n)}` as OperationId;
const keyId = (n: number) => `key_${digits(n)}` as ApiKeyId;
const managerId = (n: number) => `manager-${n + 1}` as ManagerId;
const sha256 = (n: number) => n.toString(16).padStart(64, '0');

/** A wish as a command: the stream it is about, and the state after `events`. */
interface Attempt {
  readonly stream: string;
  readonly decide: (events: readonly DomainEvent[]) => readonly DomainEvent[] | { code: string; detail: string };
}

function attempt<Command, Event extends DomainEvent, State>(
  stream: string,
  decider: Decider<Command, Event, State>,
  command: (state: State) => Command,
): Attempt {
  return {
    stream,
    decide(events) {
      const state = fold(decider, events as readonly Event[]);
      const decision = decider.decide(command(state), state);
      return isRejection(decision) ? decision : decision;
    },
  };
}

type Verb = (wish: Wish, number: number) => Attempt;

const tenantVerb =
  (type: 'SuspendTenant' | 'ResumeTenant' | 'DeleteTenant'): Verb =>
  ({ tenant }) =>
    attempt(tenantStream(tenantId(tenant)), tenantDecider, () =>
      type === 'SuspendTenant'
        ? { type, data: { tenantId: tenantId(tenant), reason: 'unpaid' } }
        : { type, data: { tenantId: tenantId(tenant) } },
    );

const nodeOf = ({ thing }: Wish) => nodeId(thing);
const nodeVerb =
  (command: (node: NodeId, wish: Wish, number: number, epoch: number, manager: ManagerId) => NodeCommand): Verb =>
  (wish, number) =>
    attempt(nodeStream(nodeOf(wish)), nodeDecider, ({ epoch, managerId: at }) =>
      command(nodeOf(wish), wish, number, epoch, at ?? managerId(0)),
    );

function requestNode(restoreFrom: (wish: Wish) => BackupId | null): Verb {
  return nodeVerb((node, wish, number) => ({
    type: 'RequestNode',
    data: {
      nodeId: node,
      tenantId: tenantId(wish.tenant),
      settings: {
        name: `node-${wish.thing}`,
        memoryLimitMb: wish.amount,
        evictionPolicy: 'allkeys-lru',
        durability: 'everysec',
        replicas: 0,
        engine: 'builtin',
      },
      passwordSha256: sha256(number),
      operationId: operationId(number),
      restoreFrom: restoreFrom(wish),
      plan: 'free',
      placement: { managerId: managerId(wish.amount % 2), availableMb: 900 },
    },
  }));
}

const reportNode = (type: 'ReportNodeStarted' | 'ReportNodeStopped' | 'ReportNodeDeleted'): Verb =>
  nodeVerb((node, _wish, _number, epoch, at) => ({ type, data: { nodeId: node, managerId: at, epoch } }));

const backupVerb =
  (command: (backup: BackupId, wish: Wish, number: number) => BackupCommand): Verb =>
  (wish, number) =>
    attempt(backupStream(backupId(wish.thing)), backupDecider, () => command(backupId(wish.thing), wish, number));

/** Restores have operations' ids beyond those of other operations. */
const restoreId = ({ thing }: Wish) => operationId(1_000_000 + thing);
const restoreVerb =
  (command: (restore: OperationId, wish: Wish) => RestoreCommand): Verb =>
  (wish) =>
    attempt(restoreStream(restoreId(wish)), restoreDecider, () => command(restoreId(wish), wish));

const createTenant: Verb = ({ tenant, amount }) =>
  attempt(tenantStream(tenantId(tenant)), tenantDecider, (): TenantCommand => ({
    type: 'CreateTenant',
    // Names may hold anything that people type, and things that PostgreSQL can't keep.
    data: { tenantId: tenantId(tenant), name: `Tenant ${amount} \u{1F980} \0`, plan: 'free' },
  }));

const verbs = {
  createTenant,
  createTenantAgain: createTenant,
  suspendTenant: tenantVerb('SuspendTenant'),
  resumeTenant: tenantVerb('ResumeTenant'),
  deleteTenant: tenantVerb('DeleteTenant'),

  requestNode: requestNode(() => null),
  requestRestoredNode: requestNode(({ thing }) => backupId(thing)),
  startNode: nodeVerb((node, _wish, number) => ({
    type: 'StartNode',
    data: { nodeId: node, operationId: operationId(number) },
  })),
  stopNode: nodeVerb((node, { amount }, number) => ({
    type: 'StopNode',
    data: {
      nodeId: node,
      operationId: operationId(number),
      reason: amount % 2 === 0 ? 'requested' : 'tenant_suspended',
    },
  })),
  resizeNode: nodeVerb((node, { amount }) => ({
    type: 'ResizeNode',
    data: { nodeId: node, memoryLimitMb: amount, availableMb: 500 },
  })),
  rotateCredentials: nodeVerb((node, _wish, number) => ({
    type: 'RotateCredentials',
    data: { nodeId: node, passwordSha256: sha256(number) },
  })),
  deleteNode: nodeVerb((node, _wish, number) => ({
    type: 'DeleteNode',
    data: { nodeId: node, operationId: operationId(number) },
  })),
  reportNodeStarted: reportNode('ReportNodeStarted'),
  reportNodeStartedAgain: reportNode('ReportNodeStarted'),
  reportNodeStopped: reportNode('ReportNodeStopped'),
  reportNodeDeleted: reportNode('ReportNodeDeleted'),
  reportNodeFailed: nodeVerb((node, { amount }, _number, epoch, at) => ({
    type: 'ReportNodeFailed',
    data: { nodeId: node, managerId: at, epoch, reason: `no memory (${amount})` },
  })),

  requestBackup: backupVerb((backup, { thing, tenant }, number) => ({
    type: 'RequestBackup',
    data: {
      backupId: backup,
      nodeId: nodeId(thing),
      tenantId: tenantId(tenant),
      nodeName: `node-${thing}`,
      operationId: operationId(number),
    },
  })),
  reportBackupStarted: backupVerb((backup) => ({ type: 'ReportBackupStarted', data: { backupId: backup } })),
  reportBackupCompleted: backupVerb((backup, { amount }) => ({
    type: 'ReportBackupCompleted',
    data: {
      backupId: backup,
      objectKey: `backups/${backup}.rdb`,
      sha256: sha256(amount),
      bytes: amount * 2 ** 33,
      keys: amount,
      digest: sha256(amount),
    },
  })),
  reportBackupVerified: backupVerb((backup) => ({ type: 'ReportBackupVerified', data: { backupId: backup } })),
  reportBackupFailed: backupVerb((backup) => ({
    type: 'ReportBackupFailed',
    data: { backupId: backup, reason: 'the disk is full' },
  })),
  deleteBackup: backupVerb((backup) => ({ type: 'DeleteBackup', data: { backupId: backup } })),

  requestRestore: restoreVerb((restore, { thing, tenant }) => ({
    type: 'RequestRestore',
    data: {
      operationId: restore,
      backupId: backupId(thing),
      nodeId: nodeId(thing),
      tenantId: tenantId(tenant),
      inPlace: true,
    },
  })),
  reportRestoreStarted: restoreVerb((restore) => ({ type: 'ReportRestoreStarted', data: { operationId: restore } })),
  reportRestoreCompleted: restoreVerb((restore, { amount }) => ({
    type: 'ReportRestoreCompleted',
    data: { operationId: restore, keys: amount, expiredKeys: 1, digest: sha256(amount) },
  })),
  reportRestoreFailed: restoreVerb((restore) => ({
    type: 'ReportRestoreFailed',
    data: { operationId: restore, reason: 'the object is gone' },
  })),

  createApiKey: ({ tenant, thing, amount }: Wish) =>
    attempt(apiKeyStream(keyId(thing)), apiKeyDecider, (): IdentityCommand => ({
      type: 'CreateApiKey',
      data: {
        keyId: keyId(thing),
        name: `key ${amount}`,
        role: 'tenant-admin',
        tenantId: tenantId(tenant),
        secretSha256: sha256(amount),
      },
    })),
  revokeApiKey: ({ thing }: Wish) =>
    attempt(apiKeyStream(keyId(thing)), apiKeyDecider, (): IdentityCommand => ({
      type: 'RevokeApiKey',
      data: { keyId: keyId(thing), reason: '' },
    })),
  registerManager: ({ thing, amount }: Wish) =>
    attempt(managerStream(managerId(thing)), managerDecider, () => ({
      type: 'RegisterManager',
      data: { managerId: managerId(thing), host: '127.0.0.1', respPort: 6001, memoryBudgetMb: amount },
    })),
} satisfies Record<string, Verb>;

const namespace = '7f1c2c0e-6f0b-5b0a-9a52-3d9d0c1a5e11';

/** What the wishes lead to, by the deciders: one append for each, its command record included. */
export function appendsOf(wanted: readonly Wish[], seed = ''): Append[] {
  const streams = new Map<string, DomainEvent[]>();
  return wanted.map((chosen, index) => {
    // As time goes by, wishes are about things that are newer.
    const age = Math.floor(index / 60);
    const wish = { ...chosen, tenant: chosen.tenant + age, thing: chosen.thing + age };
    const { stream, decide } = verbs[wish.verb](wish, index);
    const past = streams.get(stream) ?? [];
    const decision = decide(past);
    const rejected = 'code' in decision;
    const events = rejected ? [] : decision;
    const commandUid = uuidv5(`${seed}:${index}`, namespace);
    const known = {
      action: wish.verb,
      targetKind: stream.split('-')[0] ?? '',
      targetId: stream,
      requestHmac: sha256(index),
    };
    const record: DomainEvent = rejected
      ? { type: 'CommandRejected', data: { ...known, code: decision.code, detail: decision.detail } }
      : { type: 'CommandAccepted', data: { ...known, result: { index: String(index) } } };
    const changed =
      events.length === 0
        ? []
        : [{ stream, expectedVersion: past.length === 0 ? ('no-stream' as const) : past.length - 1, events }];
    streams.set(stream, [...past, ...events]);
    return {
      commandUid,
      metadata: metadataOf(wish, index),
      streams: [
        ...changed,
        { stream: commandStream(commandUid), expectedVersion: 'no-stream' as const, events: [record] },
      ],
    };
  });
}

function metadataOf(wish: Wish, index: number): Metadata {
  return {
    actor: { kind: 'api-key', id: keyId(wish.thing) },
    address: '127.0.0.1',
    commandId: `command-${index}`,
    correlationId: `correlation-${index}`,
    causationId: null,
    trace: null,
    tenantId: tenantId(wish.tenant),
  };
}

/** The events of appends as an empty log would record them, a second after each other. */
export function recordsOf(appends: readonly Append[]): RecordedEvent[] {
  const versions = new Map<string, number>();
  const records: RecordedEvent[] = [];
  for (const [second, { commandUid, metadata, streams }] of appends.entries()) {
    const recordedAt = new Date(Date.UTC(2026, 10, 21, 8) + second * 1000).toISOString();
    let number = 0;
    for (const { stream, events } of streams) {
      for (const { type, data } of events) {
        const version = (versions.get(stream) ?? -1) + 1;
        versions.set(stream, version);
        const position = BigInt(records.length + 1);
        const eventId = uuidv5(String(number++), commandUid);
        records.push({ position, eventId, stream, version, type, schemaVersion: 1, recordedAt, data, metadata });
      }
    }
  }
  return records;
}
