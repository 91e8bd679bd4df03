/** The log could not be reached, or not long enough to learn what became of an append. Nothing is known; ask again later. */
export class LogUnavailable extends Error {
  override readonly name = 'LogUnavailable';
}
