import path from 'node:path';

import { openRegistry } from './open-registry.ts';
import { upcasters } from './upcasters.ts';

/** The schemas of MiniRedis's own events; see `Registry` for what each of these does. */
export const { eventTypes, personalFields, encode, decode, fingerprint } = openRegistry(
  path.join(import.meta.dirname, 'events'),
  upcasters,
);
