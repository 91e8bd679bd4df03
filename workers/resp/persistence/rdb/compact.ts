/**
 * Redis's compact encodings: listpack, ziplist, intset and zipmap. Each reader returns the elements in order, or
 * undefined when the bytes are damaged; nothing outside of the blob is ever read.
 */

/** How many bytes of a listpack entry tell its own length, for walking backwards. */
function backLength(size: number): number {
  if (size <= 127) return 1;
  if (size <= 16_383) return 2;
  if (size <= 2_097_151) return 3;
  return size <= 268_435_455 ? 4 : 5;
}

/** The head of a listpack entry: where its string is, or its integer; and where its encoding and data end. */
type Element = { readonly end: number; readonly text: string } | undefined;

function slice(blob: Buffer, start: number, size: number): Element {
  const end = start + size;
  return end > blob.length ? undefined : { end, text: blob.toString('latin1', start, end) };
}

function integer(blob: Buffer, start: number, bytes: number): Element {
  const end = start + bytes;
  if (end > blob.length) return undefined;
  const value = bytes === 8 ? blob.readBigInt64LE(start) : blob.readIntLE(start, bytes);
  return { end, text: String(value) };
}

function listpackElement(blob: Buffer, at: number): Element {
  const first = blob[at]!;
  const second = blob[at + 1] ?? 0;
  if (first < 0x80) return { end: at + 1, text: String(first) };
  if (first < 0xc0) return slice(blob, at + 1, first & 63);
  if (first < 0xe0) {
    const value = ((first & 31) << 8) | second;
    return { end: at + 2, text: String(value >= 4096 ? value - 8192 : value) };
  }
  if (first < 0xf0) return slice(blob, at + 2, ((first & 15) << 8) | second);
  if (first === 0xf0) return at + 5 > blob.length ? undefined : slice(blob, at + 5, blob.readUInt32LE(at + 1));
  if (first === 0xf1) return integer(blob, at + 1, 2);
  if (first === 0xf2) return integer(blob, at + 1, 3);
  if (first === 0xf3) return integer(blob, at + 1, 4);
  if (first === 0xf4) return integer(blob, at + 1, 8);
  return undefined;
}

/** The elements of a listpack (Redis 7 on). */
export function readListpack(blob: Buffer): string[] | undefined {
  if (blob.length < 7 || blob.readUInt32LE(0) !== blob.length || blob[blob.length - 1] !== 0xff) return undefined;
  const count = blob.readUInt16LE(4);
  const elements: string[] = [];
  let at = 6;
  while (at < blob.length - 1) {
    const element = listpackElement(blob, at);
    if (element === undefined) return undefined;
    elements.push(element.text);
    at = element.end + backLength(element.end - at);
  }
  if (at !== blob.length - 1 || (count !== 0xffff && count !== elements.length)) return undefined;
  return elements;
}

function ziplistElement(blob: Buffer, at: number): Element {
  const first = blob[at];
  if (first === undefined) return undefined;
  if (first < 0x40) return slice(blob, at + 1, first);
  if (first < 0x80) return slice(blob, at + 2, ((first & 63) << 8) | (blob[at + 1] ?? 0));
  if (first < 0xc0) return at + 5 > blob.length ? undefined : slice(blob, at + 5, blob.readUInt32BE(at + 1));
  if (first === 0xc0) return integer(blob, at + 1, 2);
  if (first === 0xd0) return integer(blob, at + 1, 4);
  if (first === 0xe0) return integer(blob, at + 1, 8);
  if (first === 0xf0) return integer(blob, at + 1, 3);
  if (first === 0xfe) return integer(blob, at + 1, 1);
  return first >= 0xf1 && first <= 0xfd ? { end: at + 1, text: String((first & 15) - 1) } : undefined;
}

/** The elements of a ziplist (before Redis 7). */
export function readZiplist(blob: Buffer): string[] | undefined {
  if (blob.length < 11 || blob.readUInt32LE(0) !== blob.length || blob[blob.length - 1] !== 0xff) return undefined;
  const count = blob.readUInt16LE(8);
  const elements: string[] = [];
  let at = 10;
  while (at < blob.length - 1) {
    const element = ziplistElement(blob, at + (blob[at] === 0xfe ? 5 : 1));
    if (element === undefined) return undefined;
    elements.push(element.text);
    at = element.end;
  }
  if (at !== blob.length - 1 || (count !== 0xffff && count !== elements.length)) return undefined;
  return elements;
}

/** The members of an integer set. */
export function readIntset(blob: Buffer): string[] | undefined {
  if (blob.length < 8) return undefined;
  const width = blob.readUInt32LE(0);
  const count = blob.readUInt32LE(4);
  if ((width !== 2 && width !== 4 && width !== 8) || blob.length !== 8 + width * count) return undefined;
  const members: string[] = [];
  for (let at = 8; at < blob.length; at += width) members.push(integer(blob, at, width)!.text);
  return members;
}

/** The fields and values of a zipmap (before Redis 2.6). */
export function readZipmap(blob: Buffer): string[] | undefined {
  const elements: string[] = [];
  let at = 1;
  while (blob[at] !== 0xff) {
    const isValue = elements.length % 2 === 1;
    const first = blob[at];
    if (first === undefined || (first === 254 && at + 5 > blob.length)) return undefined;
    const length = first < 254 ? first : blob.readUInt32LE(at + 1);
    at += first < 254 ? 1 : 5;
    // A value is followed by unused bytes, as many as the byte before it says.
    const unused = isValue ? (blob[at++] ?? 0) : 0;
    const element = slice(blob, at, length);
    if (element === undefined) return undefined;
    elements.push(element.text);
    at = element.end + unused;
  }
  return at === blob.length - 1 && elements.length % 2 === 0 ? elements : undefined;
}
