/**
 * Longer texts are made outside V8's heap, and all of V8 stops for some milliseconds for each 64 MiB of them at most, to see
 * which are still in use.
 */
const LARGE_TEXT = 1_000_000;

/** Bytes of large texts that were made since somebody took account of them. */
export const largeTexts = { bytes: 0 };

/** Takes note of a text that was made from bytes. */
export function made(text: string): string {
  if (text.length > LARGE_TEXT) largeTexts.bytes += text.length;
  return text;
}
