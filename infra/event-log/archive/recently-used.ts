/** Keeps the last so many things that were asked for; those who ask for the same one at the same time share the work. */
export interface RecentlyUsed<Thing> {
  get(key: string, make: () => Promise<Thing>): Promise<Thing>;
}

export function recentlyUsed<Thing>(kept: number): RecentlyUsed<Thing> {
  const things = new Map<string, Promise<Thing>>();
  return {
    get(key, make) {
      const thing = things.get(key) ?? make();
      // Anew at the end: a Map remembers the order in which keys came.
      things.delete(key);
      things.set(key, thing);
      // What failed is tried again by whoever asks next.
      thing.catch(() => things.delete(key));
      const [oldest] = things.keys();
      if (things.size > kept && oldest !== undefined) things.delete(oldest);
      return thing;
    },
  };
}
