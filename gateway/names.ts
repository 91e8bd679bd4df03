import type { TenantId } from '#domains/kernel/ids.ts';
import { reservationDecider } from '#domains/reservation/decider.ts';
import { reservationStream } from '#domains/reservation/events.ts';
import { step } from '#infra/commands/step.ts';
import type { MasterKey } from '#infra/crypto/master-key.ts';
import { nodeNameHash, tenantNameHash } from '#infra/crypto/name-hash.ts';

/** The stream of a name that only one thing may have at a time: of a tenant on the platform, or of a node within its tenant. */
export type UniqueName = string;

export function tenantName(masterKey: MasterKey, name: string): UniqueName {
  return reservationStream('tenant', tenantNameHash(masterKey, name));
}

export function nodeName(masterKey: MasterKey, tenantId: TenantId, name: string): UniqueName {
  return reservationStream('node', nodeNameHash(masterKey, tenantId, name));
}

/** Takes the name for its holder, in the append that creates the holder. */
export function reserve(stream: UniqueName, holder: string) {
  return step({ stream, decider: reservationDecider, command: { type: 'ReserveName', data: { holder } } });
}

/** Gives the name back, in the append after which its holder can't come back. */
export function release(stream: UniqueName, holder: string) {
  return step({ stream, decider: reservationDecider, command: { type: 'ReleaseName', data: { holder } } });
}
