import type { Server } from '../clients/server.ts';

/** Where scripts may call every command (DEBUG SET-DISABLE-DENY-SCRIPTS), as testers of protocols need it. */
const unrestricted = new WeakSet<Server>();

export function setUnrestricted(server: Server, on: boolean): void {
  if (on) unrestricted.add(server);
  else unrestricted.delete(server);
}

export function isUnrestricted(server: Server): boolean {
  return unrestricted.has(server);
}
