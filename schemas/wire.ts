import path from 'node:path';

import { openRegistry } from './open-registry.ts';

/** The schemas of what is sent over Kafka beside events; see `Registry` for what each of these does. */
export const wire = openRegistry(path.join(import.meta.dirname, 'wire'));
