import { backLength } from '../../keyspace/listpack-size.ts';
import { isInteger } from '../../protocol/numbers.ts';

/** Builds a listpack element by element. */
export class ListpackWriter {
  private bytes = Buffer.allocUnsafe(512);
  private used = 6;
  private count = 0;

  /** Adds a string; integers are written in binary, as Redis does. */
  add(text: string): void {
    if (text.length <= 20 && isInteger(text)) {
      const value = Number(text);
      if (Number.isSafeInteger(value)) this.addInteger(value);
      else this.addBigInteger(BigInt(text));
      return;
    }
    const { length } = text;
    this.reserve(length + 10);
    const start = this.used;
    if (length < 64) this.bytes[this.used++] = 0x80 | length;
    else if (length < 4096) {
      this.bytes[this.used++] = 0xe0 | (length >>> 8);
      this.bytes[this.used++] = length & 255;
    } else {
      this.bytes[this.used] = 0xf0;
      this.used = this.bytes.writeUInt32LE(length, this.used + 1);
    }
    this.used += this.bytes.write(text, this.used, 'latin1');
    this.end(this.used - start);
  }

  addInteger(value: number): void {
    this.reserve(16);
    const start = this.used;
    if (value >= 0 && value <= 127) this.bytes[this.used++] = value;
    else if (value >= -4096 && value <= 4095) {
      this.bytes[this.used++] = 0xc0 | ((value & 0x1fff) >>> 8);
      this.bytes[this.used++] = value & 255;
    } else {
      const width = widthOf(value);
      if (width === 8) {
        this.addBigInteger(BigInt(value));
        return;
      }
      this.bytes[this.used] = 0xef + width;
      this.used = this.bytes.writeIntLE(value, this.used + 1, width);
    }
    this.end(this.used - start);
  }

  /** An integer of 64 bits that needs them all. */
  addBigInteger(value: bigint): void {
    this.reserve(16);
    this.bytes[this.used] = 0xf4;
    this.used = this.bytes.writeBigInt64LE(BigInt.asIntN(64, value), this.used + 1);
    this.end(9);
  }

  /** The listpack; nothing can be added after this. */
  finish(): Buffer {
    this.reserve(1);
    this.bytes[this.used++] = 0xff;
    this.bytes.writeUInt32LE(this.used, 0);
    this.bytes.writeUInt16LE(Math.min(this.count, 0xffff), 4);
    return this.bytes.subarray(0, this.used);
  }

  /** Writes the length of the element that ends here, to be read backwards: seven bits a byte, the highest first. */
  private end(size: number): void {
    const bytes = backLength(size);
    for (let i = bytes - 1; i >= 0; i--) {
      this.bytes[this.used++] = ((size >>> (7 * i)) & 127) | (i === bytes - 1 ? 0 : 128);
    }
    this.count++;
  }

  private reserve(size: number): void {
    if (this.used + size <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.used + size));
    this.bytes.copy(grown, 0, 0, this.used);
    this.bytes = grown;
  }
}

function widthOf(value: number): 2 | 3 | 4 | 8 {
  if (value >= -32_768 && value <= 32_767) return 2;
  if (value >= -8_388_608 && value <= 8_388_607) return 3;
  return value >= -2_147_483_648 && value <= 2_147_483_647 ? 4 : 8;
}
