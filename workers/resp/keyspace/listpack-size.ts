import { isInteger } from '../protocol/numbers.ts';

/** How many bytes of a listpack entry tell its own length, for walking backwards. */
export function backLength(size: number): number {
  if (size <= 127) return 1;
  if (size <= 16_383) return 2;
  if (size <= 2_097_151) return 3;
  return size <= 268_435_455 ? 4 : 5;
}

/** The bytes of an integer in a listpack, with what tells its length. */
export function listpackIntegerSize(value: number): number {
  if (value >= 0 && value <= 127) return 2;
  if (value >= -4096 && value <= 4095) return 3;
  if (value >= -32_768 && value <= 32_767) return 4;
  if (value >= -8_388_608 && value <= 8_388_607) return 5;
  return value >= -2_147_483_648 && value <= 2_147_483_647 ? 6 : 10;
}

/** The bytes of a string in a listpack; integers are kept in binary. */
export function listpackSize(text: string): number {
  const { length } = text;
  if (length <= 20 && isInteger(text)) return listpackIntegerSize(Number(text));
  const size = length + (length < 64 ? 1 : length < 4096 ? 2 : 5);
  return size + backLength(size);
}
