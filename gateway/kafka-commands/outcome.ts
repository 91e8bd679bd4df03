import { frame } from '#infra/kafka/framing.ts';
import { outcomesTopic } from '#infra/kafka/topics.ts';
import { schemaId } from '#schemas/ids.ts';
import { wire } from '#schemas/wire.ts';
import type { Producer } from 'kafkajs';

/** What became of a command. */
export interface KafkaOutcome {
  readonly commandId: string;
  readonly outcome: 'accepted' | 'rejected' | 'denied';
  readonly status: number;
  readonly code: string | null;
  readonly position: bigint | null;
  readonly repeated: boolean;
  /** JSON text without secrets. */
  readonly body: string;
  readonly correlationId: string | null;
}

/** Publishes an outcome under the command's id; done when Kafka has it. */
export async function publishOutcome(producer: Producer, outcome: KafkaOutcome): Promise<void> {
  const { commandId, outcome: kind, status, code, position, repeated, body, correlationId } = outcome;
  const data = { commandId, outcome: kind, status, code, position: numberOf(position), repeated, body };
  const { schemaVersion, bytes } = wire.encode('Outcome', data);
  const headers = { command: commandId, ...(correlationId !== null && { correlation: correlationId }) };
  const value = frame(schemaId({ eventType: 'Outcome', version: schemaVersion }), bytes);
  await producer.send({ topic: outcomesTopic, messages: [{ key: commandId, value, headers }] });
}

function numberOf(position: bigint | null): number | null {
  return position === null ? null : Number(position);
}
