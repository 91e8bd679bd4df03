import { keyedHash, type MasterKey } from './master-key.ts';

/** Tenants' names differ by more than case, so that nobody is taken for another. */
export function tenantNameHash(masterKey: MasterKey, name: string): string {
  return keyedHash(masterKey, 'reservation', `tenant/${name.normalize('NFKC').toLowerCase()}`);
}

/** The hash under which a node's name is reserved within its tenant. */
export function nodeNameHash(masterKey: MasterKey, tenantId: string, name: string): string {
  return keyedHash(masterKey, 'reservation', `node/${tenantId}/${name}`);
}
