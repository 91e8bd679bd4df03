import { Redis } from 'ioredis';

import type { TestNode } from './node-manager-bed.ts';

const opened: Redis[] = [];

/** An ioredis client of a node that neither retries nor reconnects, so that a test sees every refusal. */
export function clientOf(port: number, credentials: { username?: string; password?: string }): Redis {
  const redis = new Redis({
    host: '127.0.0.1',
    port,
    ...credentials,
    lazyConnect: true,
    enableReadyCheck: false,
    retryStrategy: null,
    maxRetriesPerRequest: 0,
  });
  redis.on('error', () => {});
  opened.push(redis);
  return redis;
}

/** The same, logged in as the tenant of a node would be. */
export const tenantOf = (port: number, { nodeId, password }: Pick<TestNode, 'nodeId' | 'password'>) =>
  clientOf(port, { username: nodeId, password });

/** Ends all connections of a test. */
export function closeClients(): void {
  for (const redis of opened.splice(0)) redis.disconnect();
}
