import type { TenantEvent } from '#domains/tenant/events.ts';

import { changed, readDefinition, subjectOf, unknownEvent, type Fact, type View } from '../kernel/view.ts';

export type TenantRow = {
  readonly id: string;
  /** Null once the person behind it was erased. */
  readonly name: string | null;
  readonly plan: string;
  readonly state: 'active' | 'suspended' | 'deleted';
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly version: number;
};

/** Every tenant there ever was, with its state. */
export const tenants: View<TenantRow, TenantEvent> = {
  name: 'tenants',
  revision: 1,
  definition: readDefinition(import.meta.url),
  categories: ['tenant'],
  key: 'id',
  fields: {
    id: 'text',
    name: 'text',
    plan: 'text',
    state: 'text',
    createdAt: 'timestamp',
    updatedAt: 'timestamp',
    version: 'integer',
  },
  personal: { name: 'id' },
  lookup: { by: 'key' },
  find: subjectOf,
  apply,
};

function apply(row: TenantRow | undefined, event: Fact<TenantEvent>): readonly TenantRow[] {
  switch (event.type) {
    case 'TenantCreated': {
      const { tenantId: id, name, plan } = event.data;
      const { recordedAt, version } = event;
      return [{ id, name, plan, state: 'active', createdAt: recordedAt, updatedAt: recordedAt, version }];
    }
    case 'TenantSuspended':
      return changed(row, event, { state: 'suspended' });
    case 'TenantResumed':
      return changed(row, event, { state: 'active' });
    case 'TenantDeleted':
      return changed(row, event, { state: 'deleted' });
    default:
      return unknownEvent(event);
  }
}
