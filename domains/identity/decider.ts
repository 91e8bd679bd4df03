import type { Decider, Decision } from '../kernel/decider.ts';
import { reject } from '../kernel/rejection.ts';
import type { IdentityCommand } from './commands.ts';
import type { IdentityEvent } from './events.ts';
import type { Role } from './roles.ts';

export interface ApiKeyState {
  readonly status: 'absent' | 'active' | 'revoked';
  readonly role: Role | null;
  readonly tenantId: string | null;
}

export const apiKeyDecider: Decider<IdentityCommand, IdentityEvent, ApiKeyState> = {
  initialState: { status: 'absent', role: null, tenantId: null },
  decide,
  evolve,
};

function decide(command: IdentityCommand, { status }: ApiKeyState): Decision<IdentityEvent> {
  const { keyId } = command.data;
  switch (command.type) {
    case 'CreateApiKey': {
      if (status !== 'absent') return reject('already_exists', `API key ${keyId} exists already.`);
      const { role, tenantId } = command.data;
      if (role === 'operator' && tenantId !== null) {
        return reject('role_scope_mismatch', 'An operator acts on the whole platform; leave tenantId out.');
      }
      if ((role === 'tenant-admin' || role === 'tenant-developer') && tenantId === null) {
        return reject('role_scope_mismatch', `The role ${role} is bound to a tenant; give its tenantId.`);
      }
      return [{ type: 'ApiKeyCreated', data: command.data }];
    }
    case 'RevokeApiKey':
      if (status !== 'active') return reject('not_found', `There is no API key ${keyId}.`);
      return [{ type: 'ApiKeyRevoked', data: { keyId, reason: command.data.reason } }];
  }
}

function evolve(state: ApiKeyState, event: IdentityEvent): ApiKeyState {
  switch (event.type) {
    case 'ApiKeyCreated':
      return { status: 'active', role: event.data.role, tenantId: event.data.tenantId };
    case 'ApiKeyRevoked':
      return { ...state, status: 'revoked' };
  }
}
