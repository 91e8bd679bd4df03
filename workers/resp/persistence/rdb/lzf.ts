/** Decompresses LZF (the format of liblzf, which Redis uses) into a byte string; undefined when the data is damaged. */
export function decompressLzf(packed: Uint8Array, length: number): string | undefined {
  const out = Buffer.allocUnsafe(length);
  let to = 0;
  let from = 0;
  while (from < packed.length) {
    const control = packed[from++]!;
    if (control < 32) {
      const size = control + 1;
      if (from + size > packed.length || to + size > length) return undefined;
      for (let i = 0; i < size; i++) out[to++] = packed[from++]!;
      continue;
    }
    let size = control >>> 5;
    if (size === 7) {
      if (from >= packed.length) return undefined;
      size += packed[from++]!;
    }
    if (from >= packed.length) return undefined;
    let source = to - (((control & 31) << 8) | packed[from++]!) - 1;
    size += 2;
    if (source < 0 || to + size > length) return undefined;
    for (let i = 0; i < size; i++) out[to++] = out[source++]!;
  }
  return to === length ? out.toString('latin1') : undefined;
}
