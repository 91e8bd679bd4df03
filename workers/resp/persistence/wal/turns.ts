/** Work on one thing at a time by those who ask, in the order in which they asked. */
export class Turns {
  private readonly last = new Map<string, Promise<void>>();

  /** Waits for the turns of some things, all asked for at once, does the work and gives them on. */
  async take<T>(ids: readonly string[], work: () => Promise<T>): Promise<T> {
    const mine = Promise.withResolvers<void>();
    const before = ids.flatMap((id) => this.last.get(id) ?? []);
    for (const id of ids) this.last.set(id, mine.promise);
    try {
      await Promise.all(before);
      return await work();
    } finally {
      mine.resolve();
      for (const id of ids) if (this.last.get(id) === mine.promise) this.last.delete(id);
    }
  }
}
