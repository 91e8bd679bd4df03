import type { DomainEvent } from '../kernel/decider.ts';

export type ReservationEvent =
  | DomainEvent<'NameReserved', { holder: string }>
  | DomainEvent<'NameReleased', { holder: string }>;

/**
 * The stream of one unique name within a scope. Names may be personal, so the stream carries a keyed hash of the
 * name, never the name.
 */
export const reservationStream = (scope: string, nameHash: string) => `reservation-${scope}-${nameHash}`;
