import { z } from 'zod';
import type { DomainCommand } from '../kernel/decider.ts';
import { TenantId } from '../kernel/ids.ts';

/** What people may write as a name: visible characters, not only blanks. */
export const TenantName = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .regex(/^[^\p{Cc}]*$/u, 'must not hold control characters');

const CreateTenant = z.strictObject({ tenantId: TenantId, name: TenantName, plan: z.string().min(1).max(50) });
const SuspendTenant = z.strictObject({ tenantId: TenantId, reason: z.string().max(500) });
const TenantOnly = z.strictObject({ tenantId: TenantId });

export type TenantCommand =
  | DomainCommand<'CreateTenant', z.infer<typeof CreateTenant>>
  | DomainCommand<'SuspendTenant', z.infer<typeof SuspendTenant>>
  | DomainCommand<'ResumeTenant', z.infer<typeof TenantOnly>>
  | DomainCommand<'DeleteTenant', z.infer<typeof TenantOnly>>
  /** Appends nothing: pins the tenant's version in an append that is only right while the tenant is active. */
  | DomainCommand<'RequireActiveTenant', z.infer<typeof TenantOnly>>;
