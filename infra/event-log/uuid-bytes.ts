/** What each character is worth as a hexadecimal digit, by its code. */
const worth = new Uint8Array(128);
for (const [value, digit] of '0123456789abcdef'.split('').entries()) {
  worth[digit.charCodeAt(0)] = value;
  worth[digit.toUpperCase().charCodeAt(0)] = value;
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Writes the 16 bytes of a UUID at a place in a buffer. Throws a TypeError on any other text. */
export function writeUuid(text: string, buffer: Uint8Array, at: number): void {
  if (!uuid.test(text)) throw new TypeError(`${text} is not a UUID`);
  for (let digit = 0, to = at; digit < 36; digit += 2) {
    if (text.charCodeAt(digit) === 0x2d) digit += 1;
    buffer[to++] = ((worth[text.charCodeAt(digit)] ?? 0) << 4) | (worth[text.charCodeAt(digit + 1)] ?? 0);
  }
}
