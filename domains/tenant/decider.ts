import type { Decider, Decision } from '../kernel/decider.ts';
import { reject } from '../kernel/rejection.ts';
import type { TenantCommand } from './commands.ts';
import type { TenantEvent } from './events.ts';

export interface TenantState {
  readonly status: 'absent' | 'active' | 'suspended' | 'deleted';
  readonly name: string;
  readonly plan: string;
}

export const tenantDecider: Decider<TenantCommand, TenantEvent, TenantState> = {
  initialState: { status: 'absent', name: '', plan: '' },
  decide,
  evolve,
};

function decide(command: TenantCommand, { status }: TenantState): Decision<TenantEvent> {
  const { tenantId } = command.data;
  if (command.type === 'CreateTenant') {
    if (status !== 'absent') return reject('already_exists', `Tenant ${tenantId} exists already.`);
    const { name, plan } = command.data;
    return [{ type: 'TenantCreated', data: { tenantId, name, plan } }];
  }
  if (status === 'absent' || status === 'deleted') return reject('not_found', `There is no tenant ${tenantId}.`);
  switch (command.type) {
    case 'SuspendTenant':
      if (status === 'suspended') return reject('illegal_transition', 'The tenant is suspended already.');
      return [{ type: 'TenantSuspended', data: { tenantId, reason: command.data.reason } }];
    case 'ResumeTenant':
      if (status === 'active')
        return reject('illegal_transition', 'The tenant is active; only a suspended one resumes.');
      return [{ type: 'TenantResumed', data: { tenantId } }];
    case 'DeleteTenant':
      return [{ type: 'TenantDeleted', data: { tenantId } }];
    case 'RequireActiveTenant':
      if (status === 'suspended') return reject('tenant_not_active', 'The tenant is suspended; resume it first.');
      return [];
  }
}

function evolve(state: TenantState, event: TenantEvent): TenantState {
  switch (event.type) {
    case 'TenantCreated':
      return { status: 'active', name: event.data.name, plan: event.data.plan };
    case 'TenantSuspended':
      return { ...state, status: 'suspended' };
    case 'TenantResumed':
      return { ...state, status: 'active' };
    case 'TenantDeleted':
      return { ...state, status: 'deleted' };
  }
}
