import { NodeId } from '#domains/kernel/ids.ts';
import type { AuthRequest } from '#workers/resp/engine-api.ts';

/** The name under which the platform's own connections log in. */
const platformUser = '@platform';

/** The ACL user whose password is the node's own; clients that know nothing of users send it. */
const defaultUser = 'default';

/** What somebody shows at the door, read but not yet checked. */
export type Presented =
  | { readonly kind: 'platform'; readonly token: string }
  /** `genuineForm`: it looks like a password the platform would have made for this node, so the log may know more of it. */
  | { readonly kind: 'node'; readonly nodeId: NodeId; readonly password: string; readonly genuineForm: boolean }
  /** One of the node's own ACL users, whose password the node itself knows. */
  | { readonly kind: 'aclUser'; readonly nodeId: NodeId; readonly user: string; readonly password: string }
  /** Nothing that could ever be right. */
  | { readonly kind: 'nothing' };

/**
 * Reads `AUTH <password>`, `AUTH default <password>`, `AUTH <node> <password>`, `AUTH <node>:<acl user> <password>` and
 * `AUTH @platform <token>`, and the same in HELLO. A password is `<node id>.<secret>`, so it tells its node by itself.
 */
export function readPresented({ username, password }: AuthRequest): Presented {
  if (username === platformUser) return { kind: 'platform', token: password };
  const [named, aclUser] = splitUser(username);
  if (aclUser !== defaultUser) {
    const ofNode = NodeId.safeParse(named);
    return ofNode.success && aclUser !== ''
      ? { kind: 'aclUser', nodeId: ofNode.data, user: aclUser, password }
      : { kind: 'nothing' };
  }
  const nodeId = NodeId.safeParse(named ?? password.slice(0, password.indexOf('.')));
  if (!nodeId.success) return { kind: 'nothing' };
  const genuineForm = password.startsWith(`${nodeId.data}.`) && secretForm.test(password.slice(nodeId.data.length + 1));
  return { kind: 'node', nodeId: nodeId.data, password, genuineForm };
}

/** 256 bits in base64url. */
const secretForm = /^[A-Za-z0-9_-]{43}$/;

/** The node a user name names, if any, and the ACL user on it. */
function splitUser(username: string | undefined): [named: string | undefined, aclUser: string] {
  if (username === undefined || username === defaultUser) return [undefined, defaultUser];
  const colon = username.indexOf(':');
  return colon === -1 ? [username, defaultUser] : [username.slice(0, colon), username.slice(colon + 1)];
}
