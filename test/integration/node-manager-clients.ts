import { NodeId } from '#domains/kernel/ids.ts';
import { platformClient } from '#infra/redis/platform-client.ts';
import { Redis } from 'ioredis';

import type { Bed, TestNode } from './node-manager-bed.ts';

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

/** What a node holds, by a snapshot of it. */
export async function contentOf(bed: Bed, { nodeId }: TestNode): Promise<{ keys: number; digest: string }> {
  const platform = platformClient((id) => bed.platformToken(NodeId.parse(id)));
  const target = { nodeId, host: '127.0.0.1', port: bed.port };
  const { keys, digest } = await platform.snapshot(target, `${nodeId}.rdb`, AbortSignal.timeout(10_000));
  return { keys, digest };
}
