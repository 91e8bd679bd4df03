import type { NodeId } from '#domains/kernel/ids.ts';
import type { MasterKey } from '#infra/crypto/master-key.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import type { ObjectStore } from '#infra/object-store/object-store.ts';
import type { PlatformClient, PlatformTarget } from '#infra/redis/platform-client.ts';

/** What activities work with. */
export interface WorkflowParts {
  readonly log: EventLog;
  readonly masterKey: MasterKey;
  readonly objects: ObjectStore;
  readonly platform: PlatformClient;
  /** Where the node's manager listens; null while no manager holds it. */
  readonly locate: (nodeId: NodeId) => Promise<PlatformTarget | null>;
}
