/** What is there now, or comes later: scripts that end quickly take no detour over promises. */
export type Later<T> = T | Promise<T>;

/** Goes on with a value once it is there. */
export function after<T, U>(value: Later<T>, next: (value: T) => Later<U>): Later<U> {
  // oxlint-disable-next-line promise/no-callback-in-promise -- this is what it is for.
  return value instanceof Promise ? value.then(next) : next(value);
}
