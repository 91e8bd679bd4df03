import { createHash } from 'node:crypto';

/** Ten bits a name and seven probes: one name in a hundred is taken for a member though it is none. */
const [bitsPerName, probes] = [10, 7];

/** A Bloom filter of names: small, and never wrong when it says that a name is not among them (Bloom, 1970). */
export function bloomOf(names: ReadonlySet<string>): Buffer {
  const bits = Buffer.alloc(Math.ceil((names.size * bitsPerName) / 8));
  for (const name of names) {
    for (const bit of bitsOf(name, bits.length * 8)) bits[bit >> 3] = (bits[bit >> 3] ?? 0) | (1 << (bit & 7));
  }
  return bits;
}

/** Whether a name may be among those that the filter was made of. */
export function mayHold(bits: Buffer, name: string): boolean {
  if (bits.length === 0) return false;
  for (const bit of bitsOf(name, bits.length * 8)) if (((bits[bit >> 3] ?? 0) & (1 << (bit & 7))) === 0) return false;
  return true;
}

/** Two hashes make as many as are needed (Kirsch and Mitzenmacher, 2006). */
function* bitsOf(name: string, size: number): Generator<number> {
  const hash = createHash('sha256').update(name).digest();
  const [first, second] = [hash.readUInt32LE(0), hash.readUInt32LE(4)];
  for (let probe = 0; probe < probes; probe += 1) yield (first + probe * (second || 1)) % size;
}
