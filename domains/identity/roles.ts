import { z } from 'zod';

export const Role = z.enum(['operator', 'tenant-admin', 'tenant-developer', 'auditor']);
export type Role = z.infer<typeof Role>;

/** Everything that can be asked of the platform, by the name that the audit timeline shows. */
export type Action =
  | 'CreateTenant'
  | 'ReadTenant'
  | 'SuspendTenant'
  | 'ResumeTenant'
  | 'DeleteTenant'
  | 'CreateNode'
  | 'ReadNode'
  | 'StartNode'
  | 'StopNode'
  | 'FailOverNode'
  | 'RotateCredentials'
  | 'ResizeNode'
  | 'DeleteNode'
  | 'ExecuteOnNode'
  | 'CreateBackup'
  | 'ReadBackup'
  | 'DeleteBackup'
  | 'RestoreBackup'
  | 'ReadOperation'
  | 'ReadAudit'
  | 'ReadEvents'
  | 'ReadSchema'
  | 'CreateAccessToken'
  | 'CreateApiKey'
  | 'ReadApiKey'
  | 'RevokeApiKey'
  | 'EraseSubject';

/** Reading that every role may do within its scope; and a token for it. */
const reading: readonly Action[] = [
  'ReadTenant',
  'ReadNode',
  'ReadBackup',
  'ReadOperation',
  'ReadSchema',
  'CreateAccessToken',
];

/** What developers do all day: nodes, their data and their backups, but nothing that takes access or data from others. */
const developing: readonly Action[] = [
  ...reading,
  'CreateNode',
  'StartNode',
  'StopNode',
  'ResizeNode',
  'ExecuteOnNode',
  'CreateBackup',
];

/** What each role may do, within the tenant its key is bound to. `operator` may do everything everywhere. */
export const permissions: Record<Role, 'everything' | ReadonlySet<Action>> = {
  operator: 'everything',
  'tenant-admin': new Set<Action>([
    ...developing,
    'FailOverNode',
    'RotateCredentials',
    'DeleteNode',
    'DeleteBackup',
    'RestoreBackup',
    'ReadAudit',
    'ReadEvents',
    'CreateApiKey',
    'ReadApiKey',
    'RevokeApiKey',
  ]),
  'tenant-developer': new Set(developing),
  auditor: new Set<Action>([...reading, 'ReadAudit', 'ReadEvents', 'ReadApiKey']),
};
