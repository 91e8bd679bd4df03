/** A Redis reply as JSON: what is not valid UTF-8 comes as base64, and an error within a reply as its text. */
export type ReplyJson = string | number | bigint | null | { base64: string } | { error: string } | ReplyJson[];

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Turns a reply as ioredis gives it, with `stringNumbers` and without an encoding, into JSON: strings are buffers then
 * and integers strings, so that neither bytes nor big numbers lose anything.
 */
export function replyToJson(reply: unknown): ReplyJson {
  if (reply === null || reply === undefined) return null;
  if (Buffer.isBuffer(reply)) return textOrBase64(reply);
  if (Array.isArray(reply)) return reply.map(replyToJson);
  if (typeof reply === 'string') return integer(reply);
  if (typeof reply === 'number') return reply;
  if (reply instanceof Error) return { error: reply.message };
  throw new Error(`A Redis reply of type ${typeof reply} is unknown.`);
}

function integer(digits: string): number | bigint {
  const exact = BigInt(digits);
  return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
}

function textOrBase64(bytes: Buffer): string | { base64: string } {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return { base64: bytes.toString('base64') };
  }
}
