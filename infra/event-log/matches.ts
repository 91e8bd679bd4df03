import { categoryOf } from '#domains/kernel/envelope.ts';

import type { StoredEvent } from './codec.ts';
import type { ReadFilter } from './event-log.ts';
import { inPart } from './part.ts';

/** Whether a filter lets an event through: for what an adapter does not ask its server to leave out. */
export function matches({ categories, types, tenantId, part }: ReadFilter, event: StoredEvent): boolean {
  const { stream, type, metadata } = event;
  return (
    (categories?.includes(categoryOf(stream)) ?? true) &&
    (types?.includes(type) ?? true) &&
    (tenantId === undefined || metadata.tenantId === tenantId) &&
    (part === undefined || inPart(part, stream))
  );
}
