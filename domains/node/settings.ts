import { z } from 'zod';

/** A name within its tenant, usable as a DNS label. */
const NodeName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be 1 to 63 lower-case letters, digits and inner dashes');

export const EvictionPolicy = z.enum([
  'noeviction',
  'allkeys-lru',
  'allkeys-lfu',
  'allkeys-random',
  'volatile-lru',
  'volatile-lfu',
  'volatile-random',
  'volatile-ttl',
]);
export type EvictionPolicy = z.infer<typeof EvictionPolicy>;

/** What a crash may lose: everything, a second, nothing acknowledged, nothing even with the machine gone. */
export const Durability = z.enum(['none', 'everysec', 'always', 'quorum']);
export type Durability = z.infer<typeof Durability>;

export const Engine = z.enum(['builtin', 'dedicated']);
export type Engine = z.infer<typeof Engine>;

/** Mebibytes of keys and values that a node may hold. */
export const MemoryLimitMb = z.int().min(1).max(65_536);

/** What a tenant chooses of a node. */
export const NodeSettings = z.strictObject({
  name: NodeName,
  memoryLimitMb: MemoryLimitMb,
  evictionPolicy: EvictionPolicy.default('noeviction'),
  durability: Durability.default('everysec'),
  replicas: z.int().min(0).max(5).default(0),
  engine: Engine.default('builtin'),
});
export type NodeSettings = z.infer<typeof NodeSettings>;
