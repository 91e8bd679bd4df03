import { describe, it } from 'vitest';
import { TenantId } from '../kernel/ids.ts';
import { specOf, specTable } from '../kernel/spec.ts';
import { tenantDecider } from './decider.ts';
import type { TenantEvent } from './events.ts';

const tenantId = TenantId.parse('tnt_01jd0000000000000000000000');
const created: TenantEvent = { type: 'TenantCreated', data: { tenantId, name: 'Acme', plan: 'free' } };
const suspended: TenantEvent = { type: 'TenantSuspended', data: { tenantId, reason: 'unpaid' } };
const deleted: TenantEvent = { type: 'TenantDeleted', data: { tenantId } };
const { given } = specOf(tenantDecider);

describe('tenant', () => {
  const cases = specTable(
    tenantDecider,
    { absent: [], active: [created], suspended: [created, suspended], deleted: [created, deleted] },
    {
      CreateTenant: { type: 'CreateTenant', data: { tenantId, name: 'Acme', plan: 'free' } },
      SuspendTenant: { type: 'SuspendTenant', data: { tenantId, reason: 'unpaid' } },
      ResumeTenant: { type: 'ResumeTenant', data: { tenantId } },
      DeleteTenant: { type: 'DeleteTenant', data: { tenantId } },
      RequireActiveTenant: { type: 'RequireActiveTenant', data: { tenantId } },
    },
    {
      absent: {
        CreateTenant: 'TenantCreated',
        SuspendTenant: 'not_found',
        ResumeTenant: 'not_found',
        DeleteTenant: 'not_found',
        RequireActiveTenant: 'not_found',
      },
      active: {
        CreateTenant: 'already_exists',
        SuspendTenant: 'TenantSuspended',
        ResumeTenant: 'illegal_transition',
        DeleteTenant: 'TenantDeleted',
        RequireActiveTenant: 'nothing',
      },
      suspended: {
        CreateTenant: 'already_exists',
        SuspendTenant: 'illegal_transition',
        ResumeTenant: 'TenantResumed',
        DeleteTenant: 'TenantDeleted',
        RequireActiveTenant: 'tenant_not_active',
      },
      deleted: {
        CreateTenant: 'already_exists',
        SuspendTenant: 'not_found',
        ResumeTenant: 'not_found',
        DeleteTenant: 'not_found',
        RequireActiveTenant: 'not_found',
      },
    },
  );
  it.each(cases)('$name', ({ check }) => check());

  it('keeps the name and the plan it was created with', () => {
    given()
      .when({ type: 'CreateTenant', data: { tenantId, name: 'Acme', plan: 'free' } })
      .then(created);
  });
  it('keeps why it was suspended', () => {
    given(created)
      .when({ type: 'SuspendTenant', data: { tenantId, reason: 'unpaid' } })
      .then(suspended);
  });
});
