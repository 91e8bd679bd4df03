/**
 * Picks from a collection as HRANDFIELD, SRANDMEMBER and ZRANDMEMBER do: a positive count gives distinct elements, at most
 * all; a negative one that many independent picks.
 */
export function sample(size: number, count: number, random: () => string, all: () => string[]): string[] {
  if (size === 0 || count === 0) return [];
  if (count < 0) return Array.from({ length: -count }, random);
  if (count >= size) return all();
  if (count * 3 < size) {
    const picked = new Set<string>();
    while (picked.size < count) picked.add(random());
    return [...picked];
  }
  // Most are wanted: shuffle as far as needed instead of picking until nearly all were hit.
  const pool = all();
  for (let i = 0; i < count; i++) {
    const other = i + Math.floor(Math.random() * (pool.length - i));
    [pool[i], pool[other]] = [pool[other]!, pool[i]!];
  }
  return pool.slice(0, count);
}
