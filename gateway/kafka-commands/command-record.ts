import { unframe } from '#infra/kafka/framing.ts';
import { schemaWithId } from '#schemas/ids.ts';
import { wire } from '#schemas/wire.ts';
import type { KafkaMessage } from 'kafkajs';
import { z } from 'zod';

/** A write that came over Kafka. */
export interface KafkaCommand {
  readonly method: 'POST' | 'DELETE';
  readonly path: string;
  /** JSON text. */
  readonly body: string | null;
  readonly commandId: string;
  /** What came as `authorization`; it is looked at before anything else. */
  readonly headers: Readonly<Record<string, string>>;
}

/** No query, nothing encoded and no dots, so that a path says what route it leads to. */
const plainPath = /^\/v1\/[A-Za-z0-9_/-]{1,1000}$/;

const Written = z.object({
  method: z.enum(['POST', 'DELETE']),
  path: z.string().regex(plainPath),
  body: z.unknown().optional(),
});

/** Headers of a record that mean what they mean over HTTP, by their names there. */
const passedOn = { correlation: 'x-correlation-id', traceparent: 'traceparent', 'if-match': 'if-match' } as const;

/** What a record says, or in words why it is no command. The value is JSON, or Avro by the schema `Command`. */
export function readCommand(record: KafkaMessage): KafkaCommand | { readonly problem: string } {
  const commandId = headerOf(record, 'command');
  if (commandId === null || !/^[\x20-\x7e]{1,255}$/.test(commandId)) {
    return {
      problem: 'The header `command` must be 1 to 255 printable ASCII characters: the id that makes a repeat one.',
    };
  }
  const parsed = Written.safeParse(valueOf(record.value));
  if (!parsed.success) {
    return {
      problem: 'The value must be {"method": "POST" or "DELETE", "path": "/v1/…", "body": …}, as JSON or Avro.',
    };
  }
  const { method, path, body } = parsed.data;
  const headers: Record<string, string> = {};
  for (const [name, overHttp] of Object.entries(passedOn)) {
    const value = headerOf(record, name);
    if (value !== null) headers[overHttp] = value;
  }
  return { method, path, body: body === undefined || body === null ? null : textOf(body), commandId, headers };
}

/** A header's text; null when there is none. */
export function headerOf({ headers }: KafkaMessage, name: string): string | null {
  const value = headers?.[name];
  return value === undefined ? null : String(value);
}

function valueOf(value: Buffer | null): unknown {
  try {
    if (value === null || value[0] !== 0) return JSON.parse(String(value)) as unknown;
    const { schemaId, avro } = unframe(value);
    const schema = schemaWithId(schemaId);
    return schema?.eventType === 'Command' ? wire.decode('Command', schema.version, avro) : null;
  } catch {
    return null;
  }
}

/** In Avro the body is a text already; in JSON it may as well be the document itself. */
function textOf(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}
