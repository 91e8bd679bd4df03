import { leb, sleb } from './assembler.ts';

/**
 * Makes every loop of a WebAssembly module count: at the head of each one a global (exported as `fuel`) is lowered, and once it
 * is used up a function of the table is called, which may suspend the whole. So nothing compiled into the module can keep
 * its host waiting, however long a single call of it takes, and its results stay exactly what they are.
 */

const SECTION = { type: 1, table: 4, global: 6, export: 7, code: 10 } as const;
const LOOP = 0x03;
const END = 0x0b;
const I32 = 0x7f;
const MUTABLE = 1;

/** How many LEB numbers follow an opcode as its operands; blocks, constants and a few others are read apart. */
function operandsOf(opcode: number): number {
  if (opcode >= 0x45 && opcode <= 0xc4) return 0;
  if (opcode >= 0x28 && opcode <= 0x3e) return 2;
  if (opcode >= 0x20 && opcode <= 0x26) return 1;
  switch (opcode) {
    case 0x00: // unreachable
    case 0x01: // nop
    case 0x05: // else
    case END:
    case 0x0f: // return
    case 0x1a: // drop
    case 0x1b: // select
      return 0;
    case 0x02: // block
    case LOOP:
    case 0x04: // if
    case 0x0c: // br
    case 0x0d: // br_if
    case 0x10: // call
    case 0x3f: // memory.size
    case 0x40: // memory.grow
    case 0x41: // i32.const
    case 0x42: // i64.const
      return 1;
    case 0x11: // call_indirect
      return 2;
    default:
      throw new Error(`Lua's module has an instruction that is not known here: 0x${opcode.toString(16)}.`);
  }
}

/** Bulk memory instructions, by what follows 0xfc; the conversions before them have no operands. */
const BULK_OPERANDS = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1];

/** Reads what is encoded from a place on. */
class Reader {
  at = 0;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  byte(): number {
    return this.bytes[this.at++]!;
  }

  number(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  /** Passes over one instruction and returns its opcode. */
  instruction(): number {
    const opcode = this.byte();
    switch (opcode) {
      case 0x0e: // br_table
        for (let left = this.number() + 1; left > 0; left--) this.number();
        return opcode;
      case 0x43: // f32.const
        this.at += 4;
        return opcode;
      case 0x44: // f64.const
        this.at += 8;
        return opcode;
      case 0xfc: {
        const operands = BULK_OPERANDS[this.number()]!;
        for (let left = operands; left > 0; left--) this.number();
        return opcode;
      }
      default:
        for (let left = operandsOf(opcode); left > 0; left--) this.number();
        return opcode;
    }
  }
}

/** The body of a function with `check` at the head of each of its loops. */
function meterBody(body: Uint8Array, check: Uint8Array): Uint8Array {
  const reader = new Reader(body);
  for (let groups = reader.number(); groups > 0; groups--) {
    reader.number();
    reader.byte();
  }
  const pieces: Uint8Array[] = [];
  let from = 0;
  while (reader.at < body.length) {
    if (reader.instruction() !== LOOP) continue;
    pieces.push(body.subarray(from, reader.at), check);
    from = reader.at;
  }
  pieces.push(body.subarray(from));
  return Buffer.concat(pieces);
}

function meterCode(section: Uint8Array, check: Uint8Array): Uint8Array {
  const reader = new Reader(section);
  const count = reader.number();
  const pieces: Uint8Array[] = [Uint8Array.from(leb(count))];
  for (let i = 0; i < count; i++) {
    const size = reader.number();
    const body = meterBody(section.subarray(reader.at, reader.at + size), check);
    reader.at += size;
    pieces.push(Uint8Array.from(leb(body.length)), body);
  }
  return Buffer.concat(pieces);
}

/** A section with one more entry at its end; returns that entry's index too. */
function withEntry(
  section: Uint8Array,
  entry: readonly number[],
): { readonly bytes: Uint8Array; readonly index: number } {
  const reader = new Reader(section);
  const index = reader.number();
  const bytes = Buffer.concat([Uint8Array.from(leb(index + 1)), section.subarray(reader.at), Uint8Array.from(entry)]);
  return { bytes, index };
}

/** A module that counts its loops, and the place in its function table of what it calls when `fuel` is used up: `() => void`. */
export interface MeteredModule {
  readonly bytes: Uint8Array;
  /** The first place beyond the table's first size: the table has to be grown by one. */
  readonly slot: number;
}

/** Meters a module that imports no globals and has one table. */
export function meter(module: Uint8Array): MeteredModule {
  const sections = new Map<number, Uint8Array>();
  const reader = new Reader(module);
  for (reader.at = 8; reader.at < module.length;) {
    const id = reader.byte();
    const size = reader.number();
    sections.set(id, module.subarray(reader.at, reader.at + size));
    reader.at += size;
  }
  const table = new Reader(sections.get(SECTION.table)!);
  table.at = 3;
  const slot = table.number();
  const type = withEntry(sections.get(SECTION.type)!, [0x60, 0, 0]);
  const fuel = withEntry(sections.get(SECTION.global)!, [I32, MUTABLE, 0x41, 0, END]);
  const name = Buffer.from('fuel');
  const exported = withEntry(sections.get(SECTION.export)!, [name.length, ...name, 3, ...leb(fuel.index)]);
  const get = [0x23, ...leb(fuel.index)];
  // if (fuel <= 0) call(slot); fuel -= 1
  const check = Uint8Array.from([
    ...get,
    0x41,
    0,
    0x4c,
    0x04,
    0x40,
    0x41,
    ...sleb(slot),
    0x11,
    ...leb(type.index),
    0,
    END,
    ...get,
    0x41,
    1,
    0x6b,
    0x24,
    ...leb(fuel.index),
  ]);
  sections.set(SECTION.type, type.bytes);
  sections.set(SECTION.global, fuel.bytes);
  sections.set(SECTION.export, exported.bytes);
  sections.set(SECTION.code, meterCode(sections.get(SECTION.code)!, check));
  const pieces = [module.subarray(0, 8)];
  for (const [id, bytes] of sections) pieces.push(Uint8Array.from([id, ...leb(bytes.length)]), bytes);
  return { bytes: Buffer.concat(pieces), slot };
}
