import { apiKeyDecider, type ApiKeyState } from '#domains/identity/decider.ts';
import { apiKeyStream } from '#domains/identity/events.ts';
import { ApiKeyId } from '#domains/kernel/ids.ts';
import { reject } from '#domains/kernel/rejection.ts';
import type { IdentityEvent } from '#domains/identity/events.ts';
import { loadState } from '#infra/commands/execute.ts';
import { step, type Step } from '#infra/commands/step.ts';
import { waitForHead } from '#projections/kernel/consistency.ts';
import { listApiKeys } from '#projections/api_keys/queries.ts';

import type { GatewayDependencies } from '../dependencies.ts';
import { rejecting } from './handle-write.ts';

const lastOne = reject('illegal_transition', 'This is the last operator key; create another one first.');

/**
 * Steps that hold only while another operator key is active: its version is pinned, so that two operators who revoke each
 * other's keys at the same moment can't both succeed and leave nobody.
 */
export async function keepOneOperator(
  { log, pool, patience }: GatewayDependencies,
  revoked: ApiKeyId,
): Promise<Step[]> {
  await waitForHead(pool, ['api_keys'], patience.readModel_ms);
  let cursor: string | null = null;
  do {
    const page = await listApiKeys(pool, { state: 'active' }, { limit: 200, cursor });
    if (page === 'bad_cursor') throw new Error('A list refused its own cursor.');
    for (const { id, role } of page.items) {
      if (role !== 'operator' || id === revoked) continue;
      const other = ApiKeyId.parse(id);
      const { state } = await loadState(log, apiKeyStream(other), apiKeyDecider);
      if (state.status === 'active') return [stillActive(other)];
    }
    cursor = page.nextCursor;
  } while (cursor !== null);
  return [rejecting({ kind: 'api-key', id: revoked }, lastOne)];
}

function stillActive(keyId: ApiKeyId): Step {
  const decide = (_command: unknown, { status }: ApiKeyState): readonly IdentityEvent[] | typeof lastOne =>
    status === 'active' ? [] : lastOne;
  const command = { type: 'RequireActiveKey', data: {} } as const;
  return step({ stream: apiKeyStream(keyId), decider: { ...apiKeyDecider, decide }, command });
}
