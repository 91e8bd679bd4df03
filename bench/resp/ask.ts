import { Redis } from 'ioredis';
import type { Address } from './target.ts';

/** Runs commands on a server, over a connection of its own, and returns their replies. Rejects with the first error. */
export async function ask(address: Address, commands: readonly (readonly string[])[]): Promise<unknown[]> {
  const client = new Redis({ ...address, lazyConnect: true, retryStrategy: () => null });
  try {
    await client.connect();
    return await Promise.all(commands.map(([name = '', ...args]) => client.call(name, ...args)));
  } finally {
    client.disconnect();
  }
}
