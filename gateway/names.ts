import type { TenantId } from '#domains/kernel/ids.ts';
import { reservationDecider } from '#domains/reservation/decider.ts';
import { reservationStream } from '#domains/reservation/events.ts';
import { step } from '#infra/commands/step.ts';
import type { MasterKey } from '#infra/crypto/master-key.ts';
import { nodeNameHash, tenantNameHash } from '#infra/crypto/name-hash.ts';

/** A name that only one thing may have at a time: of a tenant on the platform, or of a node within its tenant. */
export interface UniqueName {
  readonly stream: string;
  readonly name: string;
}

export function tenantName(masterKey: MasterKey, name: string): UniqueName {
  return { stream: reservationStream('tenant', tenantNameHash(masterKey, name)), name };
}

export function nodeName(masterKey: MasterKey, tenantId: TenantId, name: string): UniqueName {
  return { stream: reservationStream('node', nodeNameHash(masterKey, tenantId, name)), name };
}

/** Takes the name for its holder, in the append that creates the holder. */
export function reserve({ stream, name }: UniqueName, holder: string) {
  return step({ stream, decider: reservationDecider, command: { type: 'ReserveName', data: { holder, name } } });
}

/** Gives the name back, in the append after which its holder can't come back. */
export function release({ stream }: UniqueName, holder: string) {
  return step({ stream, decider: reservationDecider, command: { type: 'ReleaseName', data: { holder } } });
}
