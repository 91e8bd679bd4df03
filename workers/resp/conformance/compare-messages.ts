import { comparable } from './compare.ts';
import { CLOSED } from './wire.ts';

/**
 * What a connection that listens received, as it may be compared. Which of several subscriptions is served first is left open, as is the
 * order in which all of them are ended; so are that of invalidations and of a command's notifications.
 */
export function comparableMessages(request: readonly string[], messages: readonly string[]): string {
  // 7.0 tells of a key that is missed between the elements of the reply that misses it, 7.2 after the reply.
  if (/^mget$/i.test(request[0]!)) return messages.join('').split('\r\n').toSorted().join('|');
  return messages
    .map((message) =>
      message === CLOSED ? message : isMessage(message) ? message.replace(COUNT, '$1') : comparable(request, message),
    )
    .toSorted()
    .join('|');
}

/** RESP2 has no type of its own for messages; what this connection asks for otherwise never looks like one. */
function isMessage(message: string): boolean {
  return /^[>*]\d\r\n\$\d+\r\n(?:p?message|smessage|[ps]?(?:un)?subscribe|invalidate)\r\n/.test(message);
}

/** How many subscriptions are left when several are ended by one request. */
const COUNT = /^(.*unsubscribe\r\n[^]*):\d+\r\n$/s;
