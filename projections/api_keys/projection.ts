import type { IdentityEvent } from '#domains/identity/events.ts';

import { changed, readDefinition, subjectOf, unknownEvent, type Fact, type View } from '../kernel/view.ts';

type Role = Extract<IdentityEvent, { type: 'ApiKeyCreated' }>['data']['role'];

export type ApiKeyRow = {
  readonly id: string;
  /** Null once the person behind it was erased. */
  readonly name: string | null;
  readonly role: Role;
  /** Null: the key acts on the whole platform. */
  readonly tenantId: string | null;
  readonly state: 'active' | 'revoked';
  /** For comparing, never for showing. */
  readonly secretSha256: string;
  readonly createdAt: string;
  readonly revokedAt: string | null;
  readonly updatedAt: string;
  readonly version: number;
};

/** Every API key there ever was. */
export const apiKeys: View<ApiKeyRow, IdentityEvent> = {
  name: 'api_keys',
  revision: 1,
  definition: readDefinition(import.meta.url),
  categories: ['apikey'],
  key: 'id',
  fields: {
    id: 'text',
    name: 'text',
    role: 'text',
    tenantId: 'text',
    state: 'text',
    secretSha256: 'text',
    createdAt: 'timestamp',
    revokedAt: 'timestamp',
    updatedAt: 'timestamp',
    version: 'integer',
  },
  personal: { name: 'id' },
  lookup: { by: 'key' },
  find: subjectOf,
  apply,
};

function apply(row: ApiKeyRow | undefined, event: Fact<IdentityEvent>): readonly ApiKeyRow[] {
  const { recordedAt, version } = event;
  switch (event.type) {
    case 'ApiKeyCreated': {
      const { keyId: id, name, role, tenantId, secretSha256 } = event.data;
      const times = { createdAt: recordedAt, revokedAt: null, updatedAt: recordedAt };
      return [{ id, name, role, tenantId, state: 'active', secretSha256, ...times, version }];
    }
    case 'ApiKeyRevoked':
      return changed(row, event, { state: 'revoked', revokedAt: recordedAt });
    default:
      return unknownEvent(event);
  }
}
