import { NodeId } from '#domains/kernel/ids.ts';

import { keyedHash, type MasterKey } from './master-key.ts';
import { constantTimeEqual } from './secrets.ts';

const purpose = 'platform-token';

/**
 * A pass for the platform's own connections to one node, until a time: `AUTH @platform <token>`. Whoever knows the master key
 * can check it, so it is kept nowhere.
 */
export function issuePlatformToken(masterKey: MasterKey, pass: { nodeId: NodeId; expiresAt: Date }): string {
  const claims = `${pass.nodeId}.${pass.expiresAt.getTime()}`;
  return `${claims}.${keyedHash(masterKey, purpose, claims)}`;
}

/** The node a token opens, or null when it was not issued under this key, was changed, or has expired. */
export function verifyPlatformToken(masterKey: MasterKey, token: string, now: Date): { nodeId: NodeId } | null {
  const parts = /^(?<claims>(?<node>[^.]+)\.(?<expiry>[0-9]{1,15}))\.(?<hash>[0-9a-f]{64})$/.exec(token)?.groups;
  if (parts === undefined) return null;
  if (!constantTimeEqual(keyedHash(masterKey, purpose, parts['claims'] ?? ''), parts['hash'] ?? '')) return null;
  if (Number(parts['expiry']) <= now.getTime()) return null;
  const nodeId = NodeId.safeParse(parts['node']);
  return nodeId.success ? { nodeId: nodeId.data } : null;
}
