import type { Client, Server } from '../clients/server.ts';
import { describeClient } from '../clients/describe.ts';
import { clock } from '../keyspace/clock.ts';
import type { AclLogEntry } from './shapes.ts';

/** Denials alike within this time are counted in one entry. */
const TOGETHER_MS = 60_000;

/** As in Redis, only the latest entries are looked at for one alike. */
const LOOKED_AT_MAX = 10;

const nextIds = new WeakMap<Server, number>();

/** Notes a denial in the node's ACL log. */
export function noteDenial(
  client: Client,
  reason: AclLogEntry['reason'],
  object: string,
  username = client.user,
  context: AclLogEntry['context'] = client.transaction !== undefined || client.executing ? 'multi' : 'toplevel',
): void {
  const { server } = client;
  const denied = (server.aclDenied ??= {});
  denied[reason] = (denied[reason] ?? 0) + 1;
  if (server.aclLogMax === 0) return;
  const log = (server.aclLog ??= []);
  const alike = log
    .slice(0, LOOKED_AT_MAX)
    .findIndex(
      (entry) =>
        entry.reason === reason &&
        entry.context === context &&
        entry.object === object &&
        entry.username === username &&
        clock.now - entry.updatedMs <= TOGETHER_MS,
    );
  if (alike >= 0) {
    const [entry] = log.splice(alike, 1);
    entry!.count++;
    entry!.updatedMs = clock.now;
    entry!.clientInfo = describeClient(client);
    log.unshift(entry!);
    return;
  }
  const id = nextIds.get(server) ?? 0;
  nextIds.set(server, id + 1);
  const at = { createdMs: clock.now, updatedMs: clock.now };
  log.unshift({ id, reason, context, object, username, ...at, count: 1, clientInfo: describeClient(client) });
  if (log.length > server.aclLogMax) log.length = server.aclLogMax;
}
