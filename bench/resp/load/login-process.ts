/** A process that logs in, again and again: gets a plan, runs, and tells how often it did. */
import type { Address } from '../target.ts';
import { bulk, openAnswered } from './connection.ts';

/** So many clients at a time connect, AUTH, PING and leave, one after the other. */
export interface LoginPlan {
  readonly address: Address;
  readonly atOnce: number;
  readonly seconds: number;
}

export interface LoginOutcome {
  readonly perSecond: number;
  /** What went wrong; a client that had an error does no more. */
  readonly errors: readonly string[];
}

const ping = { text: bulk('PING'), replyBytes: '+PONG\r\n'.length };

async function run({ address, atOnce, seconds }: LoginPlan): Promise<LoginOutcome> {
  const began = performance.now();
  let logins = 0;
  const client = async (): Promise<void> => {
    while (performance.now() - began < seconds * 1000) {
      (await openAnswered(address, ping)).close();
      logins++;
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: atOnce }, client));
  const errors = ended.flatMap((end) => (end.status === 'rejected' ? [String(end.reason)] : []));
  return { perSecond: (logins / (performance.now() - began)) * 1000, errors };
}

process.once('message', (plan: LoginPlan) => {
  void run(plan).then((outcome) => process.send?.(outcome, () => process.disconnect()));
});
