import { NotAnswered } from './connection.ts';

/** Takes things out of a stream at the reader's pace: what is there, and a while of waiting when nothing is. */
export interface Pull<Item> {
  /** What is there, at most so many; after waiting so long in vain, nothing. Throws the stream's error, or when it has ended. */
  take(max: number, waitMs: number, signal: AbortSignal): Promise<Item[]>;
}

/** What of a readable stream is needed. */
interface Source {
  read(): unknown;
  on(event: 'readable' | 'error' | 'end' | 'close', listener: (error: Error) => void): unknown;
}

export function pullFrom<Item>(stream: Source): Pull<Item> {
  let failure: Error | null = null;
  let wake = (): void => {};
  const fail = (error: Error) => {
    failure ??= error;
    wake();
  };
  stream.on('readable', () => wake());
  stream.on('error', fail);
  stream.on('end', () => fail(new NotAnswered('the subscription has ended')));
  stream.on('close', () => fail(new NotAnswered('the subscription was closed')));

  function readOut(max: number): Item[] {
    const items: Item[] = [];
    while (items.length < max) {
      const item = stream.read() as Item | null;
      if (item === null) break;
      items.push(item);
    }
    return items;
  }

  return {
    async take(max, waitMs, signal) {
      const there = readOut(max);
      if (there.length > 0 || signal.aborted) return there;
      if (failure !== null) throw failure;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, waitMs);
        function done(): void {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          wake = () => {};
          resolve();
        }
        wake = done;
        signal.addEventListener('abort', done);
      });
      const late = readOut(max);
      if (late.length === 0 && failure !== null) throw failure;
      return late;
    },
  };
}
