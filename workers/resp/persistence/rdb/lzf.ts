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

/** Bits of the hash by which it is found where three bytes came before. */
const HASH_BITS = 13;
const OFFSET_MAX = 8192;
const MATCH_MAX = 264;
const LITERALS_MAX = 32;
/** What takes more room than this saves counts as not compressible, as in Redis. */
const BYTES_SAVED_MIN = 4;
/** Bytes of input between two looks at the clock. */
const SLICE = 65_536;

/** Where three bytes were seen last. Places count on from one input to the next, so that nothing has to be cleared. */
const seen = new Int32Array(1 << HASH_BITS);
let nextOrigin = 1;

/** An input on its way. */
interface Packing {
  bytes: Uint8Array;
  length: number;
  out: Uint8Array;
  /** The place of its first byte. */
  origin: number;
  from: number;
  /** Bytes from here on are not in the output yet: they are literals, unless they are found to have come before. */
  anchor: number;
  /** Size of the output. */
  to: number;
}

const nothing = new Uint8Array();

function newPacking(): Packing {
  return { bytes: nothing, length: 0, out: nothing, origin: 0, from: 0, anchor: 0, to: 0 };
}

/** What is compressed in one go uses this again and again: garbage for each of millions of strings is what pauses are made of. */
const atOnce = newPacking();

function begin(packing: Packing, bytes: Uint8Array, length: number, out: Uint8Array): Packing {
  if (nextOrigin > 0x7fff_ffff - length) {
    seen.fill(0);
    nextOrigin = 1;
  }
  packing.bytes = bytes;
  packing.length = length;
  packing.out = out;
  packing.origin = nextOrigin;
  packing.from = 0;
  packing.anchor = 0;
  packing.to = 0;
  nextOrigin += length;
  return packing;
}

/**
 * Compresses the first `length` bytes in the format of liblzf and returns how many they became; 0 when they do not become at
 * least four fewer, as Redis wants it.
 */
export function compressLzf(bytes: Uint8Array, length: number, out: Uint8Array): number {
  const packing = begin(atOnce, bytes, length, out);
  const size = pack(packing, length) ? end(packing) : 0;
  packing.bytes = nothing;
  packing.out = nothing;
  return size;
}

/** As `compressLzf`, yielding now and then. */
export function* compressLzfSliced(bytes: Uint8Array, out: Uint8Array): Generator<void, number> {
  const { length } = bytes;
  const packing = begin(newPacking(), bytes, length, out);
  while (packing.from < length) {
    if (!pack(packing, Math.min(length, packing.from + SLICE))) return 0;
    yield;
  }
  return end(packing);
}

/** Goes on up to a place of the input, or a little further; false when the output has no room. */
function pack(packing: Packing, until: number): boolean {
  const { bytes, length, origin } = packing;
  const stop = Math.min(until, length - 2);
  let { from } = packing;
  while (from < stop) {
    const first = bytes[from]!;
    const second = bytes[from + 1]!;
    const third = bytes[from + 2]!;
    const slot = Math.imul((first << 16) | (second << 8) | third, 0x9e37_79b1) >>> (32 - HASH_BITS);
    const place = seen[slot]! - origin;
    seen[slot] = origin + from;
    const offset = from - place - 1;
    const near = place >= 0 && offset >= 0 && offset < OFFSET_MAX;
    if (near && bytes[place] === first && bytes[place + 1] === second && bytes[place + 2] === third) {
      const most = Math.min(length - from, MATCH_MAX);
      let size = 3;
      while (size < most && bytes[place + size] === bytes[from + size]) size++;
      if (!putLiterals(packing, from) || packing.to + 3 > packing.length - BYTES_SAVED_MIN) return false;
      putMatch(packing, offset, size);
      from += size;
      packing.anchor = from;
    } else {
      // The longer nothing is found, the less is looked for: what is noise costs little.
      from += 1 + ((from - packing.anchor) >>> 5);
    }
  }
  packing.from = until > stop ? Math.max(from, until) : from;
  return true;
}

/** Puts what is between the anchor and a place of the input into the output; false when there is no room. */
function putLiterals(packing: Packing, until: number): boolean {
  const { bytes, out } = packing;
  const room = packing.length - BYTES_SAVED_MIN;
  let { to, anchor } = packing;
  while (anchor < until) {
    const count = Math.min(until - anchor, LITERALS_MAX);
    if (to + count >= room) return false;
    out[to++] = count - 1;
    for (let i = 0; i < count; i++) out[to++] = bytes[anchor++]!;
  }
  packing.to = to;
  return true;
}

function putMatch(packing: Packing, offset: number, size: number): void {
  const { out } = packing;
  if (size < 9) out[packing.to++] = ((size - 2) << 5) | (offset >>> 8);
  else {
    out[packing.to++] = 0xe0 | (offset >>> 8);
    out[packing.to++] = size - 9;
  }
  out[packing.to++] = offset & 255;
}

/** Ends the output, and returns its size, or 0 when it has become too large. */
function end(packing: Packing): number {
  return putLiterals(packing, packing.length) ? packing.to : 0;
}
