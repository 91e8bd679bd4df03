import { deriveKey, type MasterKey } from './master-key.ts';
import { seal, unseal } from './seal.ts';

/**
 * Wraps the keys of subjects, so that the table that holds them is worth nothing by itself. A key management service fits here as well:
 * `name` is what a wrapped key belongs to, and must be given again to unwrap it. Both throw when the service is out of reach.
 */
export interface KeyEncryption {
  wrap(name: string, key: Buffer): Promise<Buffer>;
  unwrap(name: string, wrapped: Buffer): Promise<Buffer>;
}

/** Keys wrapped here, by AES-256-GCM under a key derived from the master key. */
export function underMasterKey(masterKey: MasterKey): KeyEncryption {
  const wrapping = deriveKey(masterKey, 'subject-keys');
  return {
    wrap: (name, key) => Promise.resolve(seal(wrapping, name, key)),
    unwrap: async (name, wrapped) => unseal(wrapping, name, wrapped),
  };
}
