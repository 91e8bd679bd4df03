import type { ReplyError, ReplyValue } from '../engine-api.ts';
import type { Reply } from './reply.ts';

/** Writes a value as a reply: strings as bulk strings, maps and sets by their own types in RESP3. */
export function writeReply(reply: Reply, value: ReplyValue): void {
  if (value === null) reply.null();
  else if (typeof value === 'string') reply.bulk(value);
  else if (typeof value === 'boolean') reply.boolean(value);
  else if (typeof value === 'bigint') reply.integer(value);
  else if (typeof value === 'number') {
    if (Number.isInteger(value)) reply.integer(value);
    else reply.double(value);
  } else if (value instanceof Map) {
    reply.map(value.size);
    for (const [key, item] of value as ReadonlyMap<ReplyValue, ReplyValue>) {
      writeReply(reply, key);
      writeReply(reply, item);
    }
  } else if (value instanceof Set) {
    reply.set(value.size);
    for (const item of value as ReadonlySet<ReplyValue>) writeReply(reply, item);
  } else if (Array.isArray(value)) {
    reply.array(value.length);
    for (const item of value as readonly ReplyValue[]) writeReply(reply, item);
  } else reply.error((value as ReplyError).error);
}

/** Reads one RESP2 or RESP3 reply from text; simple and bulk strings both become strings. */
export function readReply(text: string): ReplyValue {
  return readAt(text, { at: 0 });
}

function readAt(text: string, cursor: { at: number }): ReplyValue {
  const end = text.indexOf('\r\n', cursor.at);
  const type = text[cursor.at]!;
  const head = text.slice(cursor.at + 1, end);
  cursor.at = end + 2;
  const items = (count: number): ReplyValue[] => Array.from({ length: count }, () => readAt(text, cursor));
  switch (type) {
    case '+':
      return head;
    case '-':
      return { error: head };
    case ':':
      return Number.isSafeInteger(Number(head)) ? Number(head) : BigInt(head);
    case ',':
      return head === 'inf' ? Infinity : head === '-inf' ? -Infinity : Number(head);
    case '#':
      return head === 't';
    case '_':
      return null;
    case '(':
      return BigInt(head);
    case '$':
    case '=': {
      if (head === '-1') return null;
      const start = cursor.at;
      cursor.at += Number(head) + 2;
      return text.slice(start + (type === '=' ? 4 : 0), cursor.at - 2);
    }
    case '%': {
      const flat = items(Number(head) * 2);
      return new Map(Array.from({ length: Number(head) }, (_, i) => [flat[i * 2]!, flat[i * 2 + 1]!]));
    }
    case '~':
      return new Set(items(Number(head)));
    case '*':
    case '>':
      return head === '-1' ? null : items(Number(head));
    default:
      throw new Error(`A reply of type ${JSON.stringify(type)} is not RESP.`);
  }
}
