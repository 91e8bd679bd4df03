/** Lets the appends of one process that name the same things follow each other, so that they don't undo each other's tries. */
export type Turns = <Result>(names: readonly string[], work: () => Promise<Result>) => Promise<Result>;

export function openTurns(): Turns {
  const last = new Map<string, Promise<void>>();
  return async (names, work) => {
    let done = (): void => {};
    const mine = new Promise<void>((resolve) => {
      done = resolve;
    });
    // All names are taken in one go, so nobody waits for somebody who waits for him.
    const before = names.flatMap((name) => last.get(name) ?? []);
    for (const name of names) last.set(name, mine);
    try {
      await Promise.all(before);
      return await work();
    } finally {
      done();
      for (const name of names) if (last.get(name) === mine) last.delete(name);
    }
  };
}
