/** A process that logs in, again and again: gets a plan, runs, and tells how often it did. */
import type { Address } from '../target.ts';
import { bulk, openConnection } from './connection.ts';

/** So many clients at a time connect, AUTH, PING and leave, one after the other. */
export interface LoginPlan {
  readonly address: Address;
  readonly atOnce: number;
  readonly seconds: number;
}

export interface LoginOutcome {
  readonly perSecond: number;
  /** The first thing that went wrong. */
  readonly error: string | undefined;
}

const ping = { text: bulk('PING'), replyBytes: '+PONG\r\n'.length };

async function logIn(address: Address): Promise<void> {
  const replied = Promise.withResolvers<void>();
  const connection = await openConnection(
    address,
    () => replied.resolve(),
    (message) => replied.reject(new Error(message)),
  );
  connection.send(ping, 0);
  await replied.promise;
  connection.close();
}

async function run({ address, atOnce, seconds }: LoginPlan): Promise<LoginOutcome> {
  const began = performance.now();
  let logins = 0;
  let error: string | undefined;
  const client = async (): Promise<void> => {
    while (error === undefined && performance.now() - began < seconds * 1000) {
      await logIn(address);
      logins++;
    }
  };
  const failed = (reason: unknown): void => void (error ??= String(reason));
  await Promise.all(Array.from({ length: atOnce }, () => client().catch(failed)));
  return { perSecond: (logins / (performance.now() - began)) * 1000, error };
}

process.once('message', (plan: LoginPlan) => {
  void run(plan).then((outcome) => process.send?.(outcome, () => process.disconnect()));
});
