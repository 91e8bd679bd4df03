import type { DomainEvent } from './decider.ts';

/** Who acts: a holder of an API key, a part of the platform, or nobody we know. */
export interface Actor {
  readonly kind: 'api-key' | 'system' | 'anonymous';
  readonly id: string;
}

/** What a command or an event is about. */
export interface Target {
  readonly kind: string;
  readonly id: string;
}

/** What every event carries beside its data. `address` is personal: it is ciphertext in the log and null once erased. */
export interface Metadata {
  readonly actor: Actor;
  readonly address: string | null;
  /** The `Idempotency-Key`, or the id given to a command that came without one. */
  readonly commandId: string;
  readonly correlationId: string;
  readonly causationId: string | null;
  /** W3C traceparent of the request, if it had one. */
  readonly trace: string | null;
  readonly tenantId: string | null;
}

/** An event as the log holds it. Positions are gapless, start at 1 and follow commit order; versions start at 0 in each stream. */
export interface RecordedEvent<Event extends DomainEvent = DomainEvent> {
  readonly position: bigint;
  readonly eventId: string;
  readonly stream: string;
  readonly version: number;
  readonly type: Event['type'];
  readonly schemaVersion: number;
  /** ISO 8601, milliseconds, UTC; never goes back as positions go on. */
  readonly recordedAt: string;
  readonly data: Event['data'];
  readonly metadata: Metadata;
}

/** The category of a stream: what stands before its first dash. */
export function categoryOf(stream: string): string {
  const dash = stream.indexOf('-');
  return dash === -1 ? stream : stream.slice(0, dash);
}
