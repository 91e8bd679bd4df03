import type { Pool, PoolClient } from 'pg';

import { isTransient, NotReached } from './transient.ts';

/** How long the server has for one answer before it is asked again over another connection. */
const answerMs = 30_000;

/**
 * Lends a connection of the pool and takes it back. One that broke, or did not answer in time, is thrown away: what it still does on
 * the server is nobody's any more.
 */
export async function lend<Result>(pool: Pool, use: (client: PoolClient) => Promise<Result>): Promise<Result> {
  let client: PoolClient;
  try {
    client = await pool.connect();
  } catch (cause) {
    // Whatever the reason is, nothing was asked yet; while a server starts, even a password may be refused.
    throw new NotReached(cause);
  }
  let broken = false;
  try {
    return await within(answerMs, use(client));
  } catch (error) {
    broken = isTransient(error);
    throw error;
  } finally {
    client.release(broken);
  }
}

async function within<Result>(timeoutMs: number, answer: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new NotReached(new Error(`no answer within ${timeoutMs} ms`))), timeoutMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
    // The answer of a connection that was given up may still fail.
    answer.catch(ignoreLate);
  }
}

function ignoreLate(): void {}
