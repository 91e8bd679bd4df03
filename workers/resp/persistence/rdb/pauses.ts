import { MORE } from './input.ts';
import type { RdbInput } from './input.ts';

/** Why a reader stopped: it needs more input, or it has done enough for one slice. */
export type Pause = 'more' | 'slice';

/** How many elements are read between two looks at the clock. */
export const SLICE = 128;

/** Repeats `read` from the last mark until the input suffices for it. */
export function* whole<T>(input: RdbInput, read: () => T): Generator<Pause, T> {
  for (;;) {
    try {
      const result = read();
      input.mark();
      return result;
    } catch (error) {
      if (error !== MORE) throw error;
      input.rewind();
      yield 'more';
    }
  }
}

/** Reads `count` items one by one, marking each, so that collections of any size need only a small window. */
export function* each(input: RdbInput, count: number, readOne: () => void, slice = SLICE): Generator<Pause> {
  let done = 0;
  for (let start = 0; start < count; start += slice) {
    const end = Math.min(count, start + slice);
    yield* whole(input, () => {
      for (; done < end; done++) {
        readOne();
        input.mark();
      }
    });
    yield 'slice';
  }
}
