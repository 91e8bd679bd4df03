import { apiKeys } from './api_keys/projection.ts';
import { audit } from './audit/projection.ts';
import { backups } from './backups/projection.ts';
import type { AnyView } from './kernel/view.ts';
import { managers } from './managers/projection.ts';
import { nodes } from './nodes/projection.ts';
import { operations } from './operations/projection.ts';
import { routing } from './routing/projection.ts';
import { tenants } from './tenants/projection.ts';

/** Every read model of the platform. */
export const allViews: readonly AnyView[] = [tenants, nodes, backups, operations, audit, apiKeys, routing, managers];
