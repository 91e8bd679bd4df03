import type { NodeId, OperationId } from '#domains/kernel/ids.ts';
import { Redis } from 'ioredis';
import { z } from 'zod';

/** A node, and the manager that holds it. */
export interface PlatformTarget {
  readonly nodeId: NodeId;
  readonly host: string;
  readonly port: number;
}

const count = z.int().min(0);
const Snapshot = z.object({ sha256: z.string(), bytes: count, keys: count, digest: z.string().min(1) });
const Verification = z.object({ keys: count, digest: z.string().min(1), bytes: count });
const Restoration = z.object({ keys: count, expiredKeys: count, digest: z.string().min(1) });
type Snapshot = z.infer<typeof Snapshot>;
type Verification = z.infer<typeof Verification>;
export type Restoration = z.infer<typeof Restoration>;

/**
 * What the platform asks of a node beside what its tenant may. The calls take as long as the data takes; a signal that
 * aborts ends the connection, on which the manager gives up too. They reject with ManagerAway or ManagerRefusal.
 */
export interface PlatformClient {
  /** Streams the node's data into the object store as an RDB file. */
  snapshot(target: PlatformTarget, objectKey: string, signal: AbortSignal): Promise<Snapshot>;
  /** Reads an object back, and loads it aside. */
  verify(target: PlatformTarget, objectKey: string, sha256: string, signal: AbortSignal): Promise<Verification>;
  /**
   * Puts the object's data in the place of the node's, at once or not at all. Asked again for the same operation, the manager
   * leaves alone what clients have written since, and answers as before.
   */
  restore(
    target: PlatformTarget,
    objectKey: string,
    sha256: string,
    operationId: OperationId,
    signal: AbortSignal,
  ): Promise<Restoration>;
}

/** The manager could not be reached, or the connection ended before it answered: nobody knows whether it did it. */
class ManagerAway extends Error {
  override readonly name = 'ManagerAway';
}

/** The manager answered with an error; `code` is its first word, such as WRONGPASS, VERIFY or LOADING. */
export class ManagerRefusal extends Error {
  override readonly name = 'ManagerRefusal';
  readonly code: string;
  constructor(message: string) {
    super(message);
    this.code = message.split(' ', 1)[0] ?? '';
  }
}

/** A client that logs in with a token made for each call; see infra/crypto/platform-token.ts. */
export function platformClient(tokenFor: (nodeId: NodeId) => string): PlatformClient {
  const call = async <Reply>(
    reply: z.ZodType<Reply>,
    target: PlatformTarget,
    signal: AbortSignal,
    ...command: string[]
  ): Promise<Reply> => {
    const text = await withConnection(target, signal, async (redis) => {
      await redis.call('AUTH', '@platform', tokenFor(target.nodeId));
      return redis.call('MINIREDIS', ...command);
    });
    return reply.parse(JSON.parse(String(text)));
  };
  return {
    snapshot: (target, objectKey, signal) => call(Snapshot, target, signal, 'SNAPSHOT', objectKey),
    verify: (target, objectKey, sha256, signal) => call(Verification, target, signal, 'VERIFY', objectKey, sha256),
    restore: (target, objectKey, sha256, operationId, signal) =>
      call(Restoration, target, signal, 'RESTORE', objectKey, sha256, operationId),
  };
}

/** One connection for one call, and no retries: whoever calls has a policy for those. */
async function withConnection<Result>(
  { host, port }: PlatformTarget,
  signal: AbortSignal,
  use: (redis: Redis) => Promise<Result>,
): Promise<Result> {
  signal.throwIfAborted();
  const redis = new Redis({
    host,
    port,
    protocol: 2,
    lazyConnect: true,
    connectTimeout: 5000,
    keepAlive: 5000,
    retryStrategy: null,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    disableClientInfo: true,
  });
  let failure: Error | undefined;
  redis.on('error', (error: Error) => (failure = error));
  const disconnect = () => redis.disconnect();
  signal.addEventListener('abort', disconnect);
  try {
    await redis.connect();
    return await use(redis);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error && error.name === 'ReplyError') throw new ManagerRefusal(error.message);
    const why = (failure ?? (error as Error)).message;
    throw new ManagerAway(`The node manager at ${host}:${port} does not answer (${why}).`, { cause: error });
  } finally {
    signal.removeEventListener('abort', disconnect);
    redis.disconnect();
  }
}
