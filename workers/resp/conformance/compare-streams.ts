import { replyEnd } from './wire.ts';

/** Counters beyond what a number holds exactly. */
const HUGE = /:-?\d{16,}/g;

/** A reply to a command on streams without what depends on the moment, or what 7.2 changed from 7.0. */
export function comparableStream(name: string, request: readonly string[], reply: string): string {
  const sub = request[1]?.toLowerCase();
  // 7.2 makes a consumer by the attempt to read, 7.0 by the first delivery: whether an idle one is there is left open.
  if (name === 'xgroup' && sub === 'createconsumer') return reply[0]!;
  if (name === 'xpending') return reply.replace(/:\d+\r\n(:\d+\r\n)/g, ':idle\r\n$1');
  if (name !== 'xinfo') return reply;
  if (sub === 'consumers') return busyConsumers(reply);
  if (sub === 'groups') return reply.replace(/\$9\r\nconsumers\r\n:\d+\r\n/g, '').replace(HUGE, ':huge');
  // Counters are exact up to 2^53 here; only the options for replication can set them beyond that.
  const timeless = reply
    .replace(/:\d{13}\r\n/g, ':time\r\n')
    .replace(HUGE, ':huge')
    .replace(/(radix-tree-nodes\r\n):\d+/, '$1');
  return withoutConsumers(timeless);
}

/** Names and pending counts of the consumers that have something pending. */
function busyConsumers(reply: string): string {
  const found = reply.matchAll(/\$4\r\nname\r\n\$\d+\r\n([^\r]*)\r\n\$7\r\npending\r\n:(\d+)/g);
  return Array.from(found, ([, name, pending]) => `${name} ${pending}`)
    .filter((line) => !line.endsWith(' 0'))
    .join();
}

/** XINFO STREAM FULL without the lists of consumers. */
function withoutConsumers(reply: string): string {
  const label = '$9\r\nconsumers\r\n';
  let text = reply;
  for (let at = text.indexOf(label); at >= 0; at = text.indexOf(label, at)) {
    text = text.slice(0, at) + text.slice(replyEnd(text, at + label.length));
  }
  return text;
}
