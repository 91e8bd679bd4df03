import type { Address } from '../target.ts';
import { openConnection, type Request } from './connection.ts';

const AT_ONCE = 1000;

/** Sends commands of which each is answered by as many bytes, a thousand at a time. Rejects when one is refused. */
export async function fill(
  address: Address,
  count: number,
  command: (index: number) => string,
  replyBytes: number,
): Promise<void> {
  let done = Promise.withResolvers<void>();
  const connection = await openConnection(
    address,
    () => done.resolve(),
    (message) => done.reject(new Error(message)),
  );
  for (let from = 0; from < count; from += AT_ONCE) {
    const commands = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, index) => command(from + index));
    const request: Request = { text: commands.join(''), replyBytes: replyBytes * commands.length };
    connection.send(request, 0);
    await done.promise;
    done = Promise.withResolvers();
  }
  connection.close();
}
