/**
 * What a request over HTTP can't sensibly run, by reason: every request shares one connection to the node, and that
 * connection is the platform's own.
 */
const refused: Readonly<Record<string, string>> = {
  'it would block the connection that others share':
    'BLPOP BRPOP BRPOPLPUSH BLMOVE BLMPOP BZPOPMIN BZPOPMAX BZMPOP WAIT WAITAOF',
  'a single reply over HTTP has no room for a subscription':
    'SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE MONITOR',
  'it changes the state of a connection, which is not yours here':
    'AUTH HELLO SELECT MULTI EXEC DISCARD WATCH UNWATCH CLIENT RESET QUIT READONLY READWRITE ASKING',
  'the platform administers its nodes itself':
    'ACL BGREWRITEAOF BGSAVE CLUSTER CONFIG DEBUG FAILOVER LASTSAVE LATENCY MIGRATE MINIREDIS MODULE PFDEBUG PFSELFTEST ' +
    'PSYNC REPLCONF REPLICAOF RESTORE-ASKING ROLE SAVE SHUTDOWN SLAVEOF SLOWLOG SYNC',
};

const reasons = new Map(
  Object.entries(refused).flatMap(([reason, names]) => names.split(' ').map((name) => [name, reason] as const)),
);

/** Why a Redis command is not run over HTTP, or null when it is. `name` is in upper case. */
export function whyRefused(name: string, args: readonly string[]): string | null {
  const reason = reasons.get(name);
  if (reason !== undefined) return reason;
  const streams = name === 'XREAD' || name === 'XREADGROUP';
  if (streams && args.some((arg) => arg.toUpperCase() === 'BLOCK')) {
    return 'it would block the connection that others share';
  }
  return null;
}
