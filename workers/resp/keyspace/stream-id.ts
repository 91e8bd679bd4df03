/**
 * The ID of a stream entry, milliseconds and sequence, as 16 bytes in big-endian order: such strings compare as the IDs
 * do, take no object and hold all 128 bits exactly.
 */
export type StreamId = string;

/** In one piece: what `repeat` makes is put together from parts, which takes long to compare. */
const filled = (byte: number): StreamId => String.fromCharCode(...Array.from({ length: 16 }, () => byte));
export const MIN_ID: StreamId = filled(0);
export const MAX_ID: StreamId = filled(255);

const HALF = 2 ** 32;
const UINT64_MAX = 0xffff_ffff_ffff_ffffn;

/** An ID with its numbers. */
interface Numbers {
  readonly id: StreamId;
  readonly ms: number | bigint;
  readonly seq: number | bigint;
}

/** The ID that was made last: XADD asks for its numbers several times. Changed in place, since that makes no garbage. */
const made = { id: MIN_ID, ms: 0, seq: 0 };
/** The ID whose numbers were read last: with XADD that is the one that its block begins with. */
let read: Numbers = { id: MIN_ID, ms: 0, seq: 0 };

const highOf = (value: number | bigint): number =>
  typeof value === 'number' ? Math.floor(value / HALF) : Number(value >> 32n);
const lowOf = (value: number | bigint): number =>
  typeof value === 'number' ? value % HALF : Number(value & 0xffff_ffffn);

/** An ID of its two numbers; those given as `number` must be safe integers. */
export function streamId(ms: number | bigint, seq: number | bigint): StreamId {
  const [a, b, c, d] = [highOf(ms), lowOf(ms), highOf(seq), lowOf(seq)];
  // In one call, which gives a flat string; parts put together would have to be flattened to be compared.
  const id = String.fromCharCode(
    a >>> 24,
    (a >>> 16) & 255,
    (a >>> 8) & 255,
    a & 255,
    b >>> 24,
    (b >>> 16) & 255,
    (b >>> 8) & 255,
    b & 255,
    c >>> 24,
    (c >>> 16) & 255,
    (c >>> 8) & 255,
    c & 255,
    d >>> 24,
    (d >>> 16) & 255,
    (d >>> 8) & 255,
    d & 255,
  );
  if (typeof ms === 'number' && typeof seq === 'number') {
    made.id = id;
    made.ms = ms;
    made.seq = seq;
  }
  return id;
}

/** The ID that a text begins with, as a string of its own. */
export function streamIdAt(text: string): StreamId {
  return String.fromCharCode(
    text.charCodeAt(0),
    text.charCodeAt(1),
    text.charCodeAt(2),
    text.charCodeAt(3),
    text.charCodeAt(4),
    text.charCodeAt(5),
    text.charCodeAt(6),
    text.charCodeAt(7),
    text.charCodeAt(8),
    text.charCodeAt(9),
    text.charCodeAt(10),
    text.charCodeAt(11),
    text.charCodeAt(12),
    text.charCodeAt(13),
    text.charCodeAt(14),
    text.charCodeAt(15),
  );
}

function uint32(id: StreamId, at: number): number {
  return (
    id.charCodeAt(at) * 0x100_0000 +
    ((id.charCodeAt(at + 1) << 16) | (id.charCodeAt(at + 2) << 8) | id.charCodeAt(at + 3))
  );
}

function halfOf(id: StreamId, at: 0 | 8): number | bigint {
  const high = uint32(id, at);
  const low = uint32(id, at + 4);
  return high < 2 ** 21 ? high * HALF + low : (BigInt(high) << 32n) | BigInt(low);
}

/** The numbers of an ID, which are good until another is made. */
export function numbersOf(id: StreamId): Numbers {
  if (id === made.id) return made;
  if (id !== read.id) read = { id, ms: halfOf(id, 0), seq: halfOf(id, 8) };
  return read;
}

/** The milliseconds of an ID; a bigint where a number can't hold them. */
export function msOf(id: StreamId): number | bigint {
  return numbersOf(id).ms;
}

/** The sequence of an ID; a bigint where a number can't hold it. */
export function seqOf(id: StreamId): number | bigint {
  return numbersOf(id).seq;
}

/** The milliseconds written last, as text: those of many IDs made in a row are the same. */
let written: { readonly ms: number | bigint; readonly text: string } = { ms: 0, text: '0-' };

/** An ID as clients write it, `ms-seq`. */
export function formatId(id: StreamId): string {
  const { ms, seq } = numbersOf(id);
  if (ms !== written.ms) written = { ms, text: `${ms}-` };
  return `${written.text}${seq}`;
}

/** The ID after this one; undefined after the last. */
export function nextId(id: StreamId): StreamId | undefined {
  const seq = seqOf(id);
  if (typeof seq === 'number' && seq < Number.MAX_SAFE_INTEGER) return streamId(msOf(id), seq + 1);
  let at = 15;
  while (at >= 0 && id.charCodeAt(at) === 255) at--;
  return at < 0 ? undefined : id.slice(0, at) + String.fromCharCode(id.charCodeAt(at) + 1) + MIN_ID.slice(at + 1);
}

/** The ID before this one; undefined before the first. */
export function previousId(id: StreamId): StreamId | undefined {
  let at = 15;
  while (at >= 0 && id.charCodeAt(at) === 0) at--;
  return at < 0 ? undefined : id.slice(0, at) + String.fromCharCode(id.charCodeAt(at) - 1) + MAX_ID.slice(at + 1);
}

/** A number as strtoull reads it: blanks, a plus and leading zeros are let pass. */
function uint64(text: string): number | bigint | undefined {
  if (!/^[ \t-\r]*\+?\d+$/.test(text)) return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  const exact = BigInt(text.trim().replace('+', ''));
  return exact > UINT64_MAX ? undefined : exact;
}

/** What a client wrote as an ID: `ms-seq`; `ms` alone, with `missingSeq`; or with `auto` also `ms-*`. */
export function parseId(
  given: string,
  missingSeq: 0 | 'max' = 0,
  auto = false,
): { id: StreamId; autoSeq: boolean } | undefined {
  if (given.length > 127) return undefined;
  const zero = given.indexOf('\0');
  const text = zero < 0 ? given : given.slice(0, zero);
  const dash = text.indexOf('-');
  const ms = uint64(dash < 0 ? text : text.slice(0, dash));
  if (ms === undefined) return undefined;
  if (dash < 0) return { id: streamId(ms, missingSeq === 0 ? 0 : UINT64_MAX), autoSeq: false };
  if (auto && text.length === dash + 2 && text.endsWith('*')) return { id: streamId(ms, 0), autoSeq: true };
  const seq = uint64(text.slice(dash + 1));
  return seq === undefined ? undefined : { id: streamId(ms, seq), autoSeq: false };
}
