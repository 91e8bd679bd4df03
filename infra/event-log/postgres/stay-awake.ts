import { availableParallelism } from 'node:os';

/** An answer is waited for awake so long at most, and only where answers usually come sooner. */
const awakeMs = 1;
/** On fewer cores the server may need the one that would be kept busy. */
const coresMin = 4;

/**
 * Gives a way to wait for an answer that has the event loop look for it again and again, for a moment, instead of going to sleep. To be
 * woken up takes longer than the server's work on one append, and a caller who waits alone has nothing to sleep for. Other events are
 * served as they come. It costs up to three times the processor time of an append, so only who waits alone is to use it.
 */
export function openStayAwake(cores = availableParallelism()): (answer: Promise<unknown>) => void {
  let usualMs = 0;
  return (answer) => {
    if (cores < coresMin) return;
    const beganAt = performance.now();
    let answered = false;
    const noteEnd = () => {
      answered = true;
      usualMs += (performance.now() - beganAt - usualMs) / 8;
    };
    answer.then(noteEnd, noteEnd);
    if (usualMs > awakeMs) return;
    const look = () => {
      if (!answered && performance.now() - beganAt < awakeMs) setImmediate(look);
    };
    setImmediate(look);
  };
}
