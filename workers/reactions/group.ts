import type { Consumer } from '#infra/event-log/consumers/consumer.ts';
import { startConsumer, type ConsumerOptions, type ConsumerStatus } from '#infra/event-log/consumers/member.ts';

export interface RunningReactions {
  /** How each reaction fares in this process. */
  status(): Readonly<Record<string, ShownStatus>>;
  /** Stops after the effects in hand. */
  stop(): Promise<void>;
}

/** As it can be written as JSON. */
type ShownStatus = Omit<ConsumerStatus, 'position'> & { readonly position: string | null };

/** Runs reactions for as long as the process lives, each a consumer group shared with all processes that run it. */
export function startReactions({
  reactions,
  ...parts
}: Omit<ConsumerOptions, 'consumer'> & { readonly reactions: readonly Consumer[] }): RunningReactions {
  const running = reactions.map((consumer) => [consumer.name, startConsumer({ ...parts, consumer })] as const);
  return {
    status: () =>
      Object.fromEntries(
        running.map(([name, consumer]) => {
          const { position, ...status } = consumer.status();
          return [name, { ...status, position: position === null ? null : String(position) }];
        }),
      ),
    stop: async () => void (await Promise.all(running.map(([, consumer]) => consumer.stop()))),
  };
}
