/** What stands for no digit, and for a hyphen. */
const [noDigit, hyphen] = [0xff, 0x2d];
const characters = 36;

/** What each character is worth as a hexadecimal digit, by its code. */
const worth = new Uint8Array(128).fill(noDigit);
for (const [value, digit] of '0123456789abcdef'.split('').entries()) {
  worth[digit.charCodeAt(0)] = value;
  worth[digit.toUpperCase().charCodeAt(0)] = value;
}

/** Writes the 16 bytes of a UUID at a place in a buffer. Throws a TypeError on any other text. */
export function writeUuid(text: string, buffer: Uint8Array, at: number): void {
  let sound = text.length === characters;
  for (let digit = 0, to = at; sound && digit < characters; digit += 2) {
    if (digit === 8 || digit === 13 || digit === 18 || digit === 23) {
      sound = text.charCodeAt(digit) === hyphen;
      digit += 1;
    }
    const [high, low] = [worth[text.charCodeAt(digit)] ?? noDigit, worth[text.charCodeAt(digit + 1)] ?? noDigit];
    sound &&= high !== noDigit && low !== noDigit;
    buffer[to++] = (high << 4) | low;
  }
  if (!sound) throw new TypeError(`${text} is not a UUID`);
}
