import type { CommandRecord } from '../kernel/command-record.ts';
import type { DomainEvent } from '../kernel/decider.ts';

export type AuditEvent =
  | CommandRecord
  /**
   * Somebody read or wrote a node's data through the gateway: the Redis command's name, never its arguments. It stands
   * on the command's own stream in the place of `CommandAccepted`.
   */
  | DomainEvent<
      'DataAccessed',
      { action: string; targetKind: string; targetId: string; requestHmac: string; redisCommand: string }
    >;
