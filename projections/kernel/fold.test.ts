import { backupDecider } from '#domains/backup/decider.ts';
import { apiKeyDecider } from '#domains/identity/decider.ts';
import { fold, type Decider, type DomainEvent } from '#domains/kernel/decider.ts';
import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import { nodeDecider } from '#domains/node/decider.ts';
import { restoreDecider } from '#domains/restore/decider.ts';
import { tenantDecider } from '#domains/tenant/decider.ts';
import { appendsOf, recordsOf, wishes } from '#test/tools/histories.ts';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { apiKeys } from '../api_keys/projection.ts';
import { audit } from '../audit/projection.ts';
import { backups } from '../backups/projection.ts';
import { nodes } from '../nodes/projection.ts';
import { operations } from '../operations/projection.ts';
import { isOpen, type OperationRow } from '../operations/row.ts';
import { routing } from '../routing/projection.ts';
import { tenants } from '../tenants/projection.ts';
import { allViews } from '../views.ts';
import { applyInMemory, emptyFold, soughtBy } from './fold.ts';
import type { AnyRow, View } from './view.ts';

/** The rows of a view after these events, by key. */
function rowsOf<Row extends AnyRow, Event extends DomainEvent>(
  view: View<Row, Event>,
  events: readonly RecordedEvent[],
): Map<string, Row> {
  const folded = emptyFold();
  for (const event of events) applyInMemory(view, folded, event);
  return folded.written as Map<string, Row>;
}

/** What a decider makes of each stream of a category. */
function statesOf<State>(
  events: readonly RecordedEvent[],
  category: string,
  decider: Pick<Decider<never, never, State>, 'initialState' | 'evolve'>,
): Map<string, { state: State; version: number }> {
  const streams = new Map<string, RecordedEvent[]>();
  for (const event of events) {
    if (event.stream.startsWith(`${category}-`)) {
      streams.set(event.stream, [...(streams.get(event.stream) ?? []), event]);
    }
  }
  return new Map(
    [...streams].map(([stream, own]) => [
      stream.slice(category.length + 1),
      { state: fold(decider, own as unknown as Iterable<never>), version: own.length - 1 },
    ]),
  );
}

test('views say of tenants, nodes, backups and keys what the deciders say', () => {
  fc.assert(
    fc.property(wishes(), (wanted) => {
      const events = recordsOf(appendsOf(wanted));

      const tenantStates = statesOf(events, 'tenant', tenantDecider);
      const tenantRows = rowsOf(tenants, events);
      expect([...tenantRows.keys()].sort()).toEqual([...tenantStates.keys()].sort());
      for (const [id, { state, version }] of tenantStates) {
        expect(tenantRows.get(id)).toMatchObject({ id, state: state.status, plan: state.plan, version });
      }

      const nodeStates = statesOf(events, 'node', nodeDecider);
      const [nodeRows, routes] = [rowsOf(nodes, events), rowsOf(routing, events)];
      expect([...nodeRows.keys()].sort()).toEqual([...nodeStates.keys()].sort());
      for (const [id, { state, version }] of nodeStates) {
        const { status, tenantId, settings, managerId, epoch, stopReason, failure } = state;
        expect(nodeRows.get(id)).toMatchObject({
          ...settings,
          id,
          state: status,
          tenantId,
          managerId,
          epoch,
          stopReason,
          failure,
          version,
        });
        const memoryLimitMb = settings?.memoryLimitMb;
        expect(routes.get(id)).toMatchObject({ nodeId: id, state: status, managerId, epoch, memoryLimitMb });
      }

      const backupRows = rowsOf(backups, events);
      for (const [id, { state, version }] of statesOf(events, 'backup', backupDecider)) {
        const { status, request, content, failure } = state;
        const { backupId: _backup, ...held } = content ?? { backupId: id, bytes: null, keys: null, digest: null };
        const { nodeId, operationId } = request ?? {};
        const row = { id, state: status, failure, version, nodeId, operationId, ...held };
        expect(backupRows.get(id)).toMatchObject(row);
      }

      const keyRows = rowsOf(apiKeys, events);
      for (const [id, { state }] of statesOf(events, 'apikey', apiKeyDecider)) {
        expect(keyRows.get(id)).toMatchObject({ state: state.status, role: state.role, tenantId: state.tenantId });
      }
    }),
  );
});

test('an operation is open exactly while the thing it is about has yet to come to what was asked', () => {
  fc.assert(
    fc.property(wishes(), (wanted) => {
      const events = recordsOf(appendsOf(wanted));
      const rows = [...rowsOf(operations, events).values()];
      const open = new Map<string, OperationRow[]>();
      for (const row of rows.filter(isOpen)) open.set(row.stream, [...(open.get(row.stream) ?? []), row]);

      const pending: Readonly<Record<string, readonly string[]>> = {
        provisioning: ['node.create', 'node.start'],
        stopping: ['node.stop'],
        deleting: ['node.delete'],
      };
      const restored = new Set(
        events.flatMap(({ type, data }) => {
          const requested = data as { nodeId: string; restoreFrom: string | null };
          return type === 'NodeRequested' && requested.restoreFrom !== null ? [requested.nodeId] : [];
        }),
      );
      for (const [id, { state, version }] of statesOf(events, 'node', nodeDecider)) {
        const expected = pending[state.status];
        const [row, another] = open.get(`node-${id}`) ?? [];
        expect(another).toBeUndefined();
        // The first provisioning of a node that waits for a backup belongs to the restore.
        if (restored.has(id) && state.status === 'provisioning' && version <= 20 && row === undefined) continue;
        if (expected === undefined) expect(row).toBeUndefined();
        else expect(expected).toContain(row?.kind);
      }
      for (const [id, { state }] of statesOf(events, 'backup', backupDecider)) {
        const count = ['requested', 'running', 'completed'].includes(state.status) ? 1 : 0;
        expect(open.get(`backup-${id}`) ?? []).toHaveLength(count);
      }
      for (const [id, { state }] of statesOf(events, 'restore', restoreDecider)) {
        const count = ['requested', 'running'].includes(state.status) ? 1 : 0;
        expect(open.get(`restore-${id}`) ?? []).toHaveLength(count);
      }
      for (const { state, percent, errorCode } of rows) {
        expect(percent === 100).toBe(state === 'succeeded');
        expect(errorCode !== null).toBe(state === 'failed' || state === 'cancelled');
      }
    }),
  );
});

test('the timeline has one entry for each command, whatever became of it', () => {
  fc.assert(
    fc.property(wishes(), (wanted) => {
      const events = recordsOf(appendsOf(wanted));
      const entries = [...rowsOf(audit, events).values()];
      expect(entries.map(({ action }) => action)).toEqual(wanted.map(({ verb }) => verb));
      for (const { outcome, code } of entries) expect(code === null).toBe(outcome === 'accepted');
    }),
  );
});

test('a view refuses an event that it does not know and one whose beginning is missing', () => {
  const [created, ...rest] = recordsOf(
    appendsOf([
      { verb: 'createTenant', tenant: 0, thing: 0, amount: 1 },
      { verb: 'suspendTenant', tenant: 0, thing: 0, amount: 1 },
    ]),
  );
  if (created === undefined) throw new Error('the tenant was not created');
  expect(() => rowsOf(tenants, rest)).toThrow(/TenantSuspended at position 3/);
  for (const view of allViews) {
    const stream = `${view.categories[0]}-x`;
    expect(() => rowsOf(view, [{ ...created, stream, type: 'FromTheFuture' }])).toThrow(/FromTheFuture at position 1/);
  }
});

test('a row comes from the events of one stream alone, and a stream that begins finds none', () => {
  fc.assert(
    fc.property(wishes({ minLength: 20, maxLength: 120 }), (wanted) => {
      const events = recordsOf(appendsOf(wanted));
      for (const view of allViews) {
        const folded = emptyFold();
        const streams = new Map<string, string>();
        for (const event of events) {
          const sought = soughtBy(view, event);
          if (sought !== null && event.version === 0) expect(folded.current.has(sought)).toBe(false);
          folded.written.clear();
          applyInMemory(view, folded, event);
          for (const key of folded.written.keys()) {
            expect(streams.get(key) ?? event.stream).toBe(event.stream);
            streams.set(key, event.stream);
          }
        }
      }
    }),
  );
});
