import { z } from 'zod';
import type { DomainCommand } from '../kernel/decider.ts';
import { ManagerId } from '../kernel/ids.ts';

const RegisterManager = z.strictObject({
  managerId: ManagerId,
  host: z.string().min(1).max(255),
  respPort: z.int().min(1).max(65_535),
  memoryBudgetMb: z.int().min(1),
});

export type ManagerCommand = DomainCommand<'RegisterManager', z.infer<typeof RegisterManager>>;
