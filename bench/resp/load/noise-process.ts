/**
 * A process that makes noise. It is one of its own, so that nothing it does (above all V8's collections, which use all cores) is done by
 * whoever measures. Its parent tells it of which kind and where, then asks what it has heard; it ends with its parent.
 */
import type { Address } from '../target.ts';
import { makeNoise, noises, type Heard } from './noise.ts';

/** What the parent says: first what noise to make, which is answered when it has begun, then any number of questions. */
export type ToNoise = { readonly name: string; readonly address: Address } | 'heard?';

let heard: (() => Heard) | undefined;

async function answer(message: ToNoise): Promise<Heard> {
  if (message === 'heard?') return heard?.() ?? { bytes: 0 };
  const noise = noises.find(({ name }) => name === message.name);
  if (noise === undefined) throw new Error(`there is no noise called ${message.name}`);
  heard = await makeNoise(message.address, noise);
  return heard();
}

process.on('message', (message: ToNoise) => void answer(message).then((heardNow) => process.send?.(heardNow)));
process.on('disconnect', () => process.exit(0));
