import type { TenantId } from '#domains/kernel/ids.ts';
import { reservationDecider } from '#domains/reservation/decider.ts';
import { reservationStream } from '#domains/reservation/events.ts';
import { step } from '#infra/commands/step.ts';
import { keyedHash, type MasterKey } from '#infra/crypto/master-key.ts';

/** A name that only one thing may have at a time: of a tenant on the platform, or of a node within its tenant. */
export interface UniqueName {
  readonly stream: string;
  readonly name: string;
}

/** Tenants' names differ by more than case, so that nobody is taken for another. */
export function tenantName(masterKey: MasterKey, name: string): UniqueName {
  const text = name.normalize('NFKC').toLowerCase();
  return { stream: reservationStream('tenant', keyedHash(masterKey, 'reservation', `tenant/${text}`)), name };
}

export function nodeName(masterKey: MasterKey, tenantId: TenantId, name: string): UniqueName {
  return { stream: reservationStream('node', keyedHash(masterKey, 'reservation', `node/${tenantId}/${name}`)), name };
}

/** Takes the name for its holder, in the append that creates the holder. */
export function reserve({ stream, name }: UniqueName, holder: string) {
  return step({ stream, decider: reservationDecider, command: { type: 'ReserveName', data: { holder, name } } });
}

/** Gives the name back, in the append after which its holder can't come back. */
export function release({ stream }: UniqueName, holder: string) {
  return step({ stream, decider: reservationDecider, command: { type: 'ReleaseName', data: { holder } } });
}
