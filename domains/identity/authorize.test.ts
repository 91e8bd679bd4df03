import { describe, expect, it } from 'vitest';
import { TenantId } from '../kernel/ids.ts';
import { authorize } from './authorize.ts';
import { Role, type Action } from './roles.ts';

const own = TenantId.parse('tnt_01jd0000000000000000000000');
const foreign = TenantId.parse('tnt_01jd0000000000000000000001');

/** o: every tenant and the platform's own; t: within the own tenant; -: nowhere. Columns: operator, admin, developer, auditor. */
const table: Record<Action, string> = {
  CreateTenant: 'o---',
  ReadTenant: 'ottt',
  SuspendTenant: 'o---',
  ResumeTenant: 'o---',
  DeleteTenant: 'o---',
  CreateNode: 'ott-',
  ReadNode: 'ottt',
  StartNode: 'ott-',
  StopNode: 'ott-',
  FailOverNode: 'ot--',
  RotateCredentials: 'ot--',
  ResizeNode: 'ott-',
  DeleteNode: 'ot--',
  ExecuteOnNode: 'ott-',
  CreateBackup: 'ott-',
  ReadBackup: 'ottt',
  DeleteBackup: 'ot--',
  RestoreBackup: 'ot--',
  ReadOperation: 'ottt',
  ReadAudit: 'ot-t',
  ReadEvents: 'ot-t',
  ReadSchema: 'ottt',
  CreateAccessToken: 'ottt',
  CreateApiKey: 'ot--',
  ReadApiKey: 'ot-t',
  RevokeApiKey: 'ot--',
  EraseSubject: 'o---',
};

const cases = Object.entries(table).flatMap(([action, row]) =>
  Role.options.map((role, column) => ({ action: action as Action, role, cell: row[column] })),
);

describe('authorize', () => {
  it.each(cases)('$role $action: $cell', ({ action, role, cell }) => {
    const bound = { keyId: 'k', role, tenantId: role === 'operator' ? null : own };
    expect(authorize(bound, action, own)?.code).toBe(cell === '-' ? 'forbidden' : undefined);
    // What is the platform's own takes a key of the whole platform.
    expect(authorize(bound, action, null)?.code).toBe(cell === 'o' ? undefined : 'forbidden');
    expect(authorize(bound, action, foreign)?.code).toBe(cell === 'o' ? undefined : 'not_found');
  });

  it('lets an auditor of the whole platform read every tenant, and write nothing', () => {
    const auditor = { keyId: 'k', role: 'auditor', tenantId: null } as const;
    expect(authorize(auditor, 'ReadAudit', null)).toBeNull();
    expect(authorize(auditor, 'ReadNode', foreign)).toBeNull();
    expect(authorize(auditor, 'CreateNode', foreign)?.code).toBe('forbidden');
  });
});
