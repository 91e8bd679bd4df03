import type { LuaExports } from './lua-exports.ts';

const SCRATCH_BYTES = 65_536;
/** Up to this length a string is carried over byte by byte, which is quicker than a call. */
const SHORT_TEXT = 24;

/** Short strings seen last, by a hash of their bytes: commands, options and fields come again and again. */
const shortTexts: string[] = Array.from({ length: 1024 }, () => '');

function shortText(memory: Buffer, pointer: number, length: number): string {
  let hash = length;
  for (let i = pointer; i < pointer + length; i++) hash = (hash * 31 + memory[i]!) | 0;
  const known = shortTexts[hash & 1023]!;
  if (known.length === length) {
    let i = 0;
    while (i < length && known.charCodeAt(i) === memory[pointer + i]) i++;
    if (i === length) return known;
  }
  return (shortTexts[hash & 1023] = memory.toString('latin1', pointer, pointer + length));
}

/** Byte strings on their way into the memory of one Lua state, and out of it. */
export class LuaTexts {
  private readonly api: LuaExports;
  private readonly scratch: number;
  private bytes: Buffer;

  constructor(api: LuaExports) {
    this.api = api;
    this.scratch = api.malloc(SCRATCH_BYTES);
    this.bytes = Buffer.from(api.memory.buffer);
  }

  /** The memory as it is now; growing it invalidates what was read before. */
  private get memory(): Buffer {
    if (this.bytes.length === 0) this.bytes = Buffer.from(this.api.memory.buffer);
    return this.bytes;
  }

  /** Pushes a byte string. */
  push(L: number, text: string): void {
    const { length } = text;
    if (length <= SHORT_TEXT) {
      const { memory, scratch } = this;
      for (let i = 0; i < length; i++) memory[scratch + i] = text.charCodeAt(i);
      this.api.lua_pushlstring(L, scratch, length);
    } else this.with(text, (pointer) => this.api.lua_pushlstring(L, pointer, length));
  }

  /** Pushes the byte string that pieces make together, which others may interrupt between two of them. */
  *pushPieces(L: number, pieces: readonly string[], length: number): Generator<void> {
    if (pieces.length === 1) {
      this.push(L, pieces[0]!);
      return;
    }
    const pointer = this.api.malloc(length);
    if (pointer === 0) throw new Error('not enough memory');
    try {
      let at = pointer;
      for (const piece of pieces) {
        at += this.memory.write(piece, at, 'latin1');
        yield;
      }
      this.api.lua_pushlstring(L, pointer, length);
    } finally {
      this.api.free(pointer);
    }
  }

  /** Calls back with the text in Lua's memory, followed by a zero. */
  with<T>(text: string, use: (pointer: number) => T): T {
    if (text.length < SCRATCH_BYTES) {
      const end = this.memory.write(text, this.scratch, 'latin1');
      this.memory[this.scratch + end] = 0;
      return use(this.scratch);
    }
    const pointer = this.place(text);
    try {
      return use(pointer);
    } finally {
      this.api.free(pointer);
    }
  }

  /** Puts a text into memory of its own, followed by a zero; whoever asked for it frees it. */
  place(text: string): number {
    const pointer = this.api.malloc(text.length + 1);
    if (pointer === 0) throw new Error('not enough memory');
    this.memory.write(text, pointer, 'latin1');
    this.memory[pointer + text.length] = 0;
    return pointer;
  }

  /** The string or number at an index as a byte string; undefined for other types. A number there becomes a string. */
  text(L: number, at: number): string | undefined {
    const pointer = this.api.lua_tolstring(L, at, this.scratch);
    if (pointer === 0) return undefined;
    const { memory, scratch } = this;
    const length =
      memory[scratch]! | (memory[scratch + 1]! << 8) | (memory[scratch + 2]! << 16) | (memory[scratch + 3]! << 24);
    return length > SHORT_TEXT
      ? memory.toString('latin1', pointer, pointer + length)
      : shortText(memory, pointer, length);
  }
}
