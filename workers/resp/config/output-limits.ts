import type { Host } from '../clients/server.ts';
import type { SoftLimit } from '../engine-api.ts';
import { parseMemory } from './kinds.ts';

const CLASSES: Readonly<Record<string, 'normal' | 'replica' | 'pubsub'>> = {
  normal: 'normal',
  replica: 'replica',
  slave: 'replica',
  pubsub: 'pubsub',
};

/** The limits of ordinary clients, of replicas (there are none, but what was asked for is kept) and of those who listen to channels, as CONFIG GET shows them. */
export function outputLimits({ limits, softLimits }: Host): string {
  const { normal, pubsub, replica } = softLimits;
  return [
    `normal ${limits.outputBufferBytesMax} ${normal.bytes} ${normal.seconds}`,
    `slave ${replica.hard} ${replica.bytes} ${replica.seconds}`,
    `pubsub ${limits.pubsubBufferBytesMax} ${pubsub.bytes} ${pubsub.seconds}`,
  ].join(' ');
}

/** Sets the limits of one or more classes, or says what is wrong; then none is set. */
export function setOutputLimits(host: Host, text: string): string | undefined {
  const words = text.split(' ');
  if (words.length % 4 !== 0) return 'Wrong number of arguments in buffer limit configuration.';
  const found: { group: string; hard: number; soft: SoftLimit }[] = [];
  for (let i = 0; i < words.length; i += 4) {
    const group = CLASSES[words[i]!.toLowerCase()];
    if (group === undefined) return 'Invalid client class specified in buffer limit configuration.';
    const [hard, bytes] = [parseMemory(words[i + 1]!), parseMemory(words[i + 2]!)];
    if (hard === undefined || bytes === undefined || !/^\d+$/.test(words[i + 3]!)) {
      return 'Error in hard, soft or soft_seconds setting in buffer limit configuration.';
    }
    found.push({ group, hard, soft: { bytes, seconds: Number(words[i + 3]) } });
  }
  for (const { group, hard, soft } of found) {
    if (group === 'normal') {
      host.limits.outputBufferBytesMax = hard;
      host.softLimits.normal = soft;
    } else if (group === 'pubsub') {
      host.limits.pubsubBufferBytesMax = hard;
      host.softLimits.pubsub = soft;
    } else host.softLimits.replica = { ...soft, hard };
  }
  return undefined;
}
