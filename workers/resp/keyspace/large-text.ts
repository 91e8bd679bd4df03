/**
 * Longer texts are made outside V8's heap, and all of V8 stops for some milliseconds for each 64 MiB of them at most, to see
 * which are still in use.
 */
const LARGE_TEXT = 1_000_000;

/** What a byte of a value in chunks counts beside one of a text: it stops nobody, but takes the processors and their caches. */
const CHUNKED_BYTE = 1 / 16;

/** Bytes of large texts that were made, and of large values that came or left, since somebody took account of them. */
export const largeTexts = { bytes: 0 };

/** Takes note of a text that was made from bytes. */
export function made(text: string): string {
  if (text.length > LARGE_TEXT) largeTexts.bytes += text.length;
  return text;
}

/** Takes note of bytes that came or leave in chunks. */
export function moved(bytes: number): void {
  largeTexts.bytes += bytes * CHUNKED_BYTE;
}
