import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';

import type { Effect } from '../../keyspace/journal.ts';
import { parseEntry } from './parse.ts';

/** A file that holds something else than commands, and so must be looked at by a person. */
class AofDamaged extends Error {
  constructor(file: string, offset: number, reason: string) {
    super(
      `Bad file format reading the append only file ${file} at byte ${offset}: ${reason}. Make a backup of your AOF file, then use redis-check-aof --fix, or restore the folder.`,
    );
    this.name = 'AofDamaged';
  }
}

/** What the commands change: a script among them may be at work for longer than a moment. */
interface CommandTarget {
  readonly busy: boolean;
  whole(): Promise<void>;
}

/** What was found in a file of commands. */
export interface AofRead {
  readonly commands: number;
  readonly size: number;
  /** Where the last whole command or transaction ends; less than the size when the file was cut short. */
  readonly wholeUntil: number;
}

/** How a command of a file is carried out. Throws when it is refused. */
export type ApplyCommand = (db: number, args: readonly string[]) => void;

const WINDOW = 1_048_576;

/** The commands of a file, from a byte on, applied in order; those of a transaction all together, once its EXEC was read. */
export async function readCommands(
  file: string,
  from: number,
  apply: ApplyCommand,
  target: CommandTarget,
): Promise<AofRead> {
  const handle = await open(file, 'r');
  try {
    return await new Reader(file, handle, apply, target).read(from);
  } finally {
    await handle.close();
  }
}

class Reader {
  private readonly file: string;
  private readonly handle: FileHandle;
  private readonly apply: ApplyCommand;
  private readonly target: CommandTarget;
  private db = 0;
  private commands = 0;
  /** The commands after a MULTI, and the database before it. */
  private block: Effect[] | undefined;
  private dbBefore = 0;

  constructor(file: string, handle: FileHandle, apply: ApplyCommand, target: CommandTarget) {
    this.target = target;
    this.file = file;
    this.handle = handle;
    this.apply = apply;
  }

  async read(from: number): Promise<AofRead> {
    const { size } = await this.handle.stat();
    let window = Buffer.allocUnsafeSlow(WINDOW);
    /** The offset in the file of the window's first byte, and how many of its bytes are filled. */
    let base = from;
    let filled = 0;
    let at = 0;
    let wholeUntil = from;
    for (;;) {
      const entry = parseEntry(window, at, filled);
      if (entry.kind === 'wrong') throw new AofDamaged(this.file, base + at, entry.reason);
      if (entry.kind !== 'more') {
        if (entry.kind === 'command') {
          for (const { db, args } of this.command(entry.args)) {
            this.run(db, args, base + at);
            // Files of old versions hold scripts and not what they did.
            if (this.target.busy) await this.target.whole();
          }
        }
        at = entry.end;
        if (this.block === undefined) wholeUntil = base + at;
        continue;
      }
      if (base + filled >= size) return { commands: this.commands, size, wholeUntil };
      if (at === 0 && filled === window.length) window = grown(window);
      else window.copy(window, 0, at, filled);
      base += at;
      filled -= at;
      at = 0;
      const { bytesRead } = await this.handle.read(window, filled, window.length - filled, base + filled);
      if (bytesRead === 0) return { commands: this.commands, size: base + filled, wholeUntil };
      filled += bytesRead;
      await nextTurn();
    }
  }

  /** What is to be carried out once a command was read. */
  private command(args: readonly string[]): readonly Effect[] {
    const name = args[0]!.length > 7 ? '' : args[0]!.toUpperCase();
    const { block } = this;
    if (name === 'SELECT' && args.length === 2) this.db = Number(args[1]);
    else if (name === 'MULTI') {
      this.block = [];
      this.dbBefore = this.db;
    } else if (block === undefined) return [{ db: this.db, args }];
    else if (name === 'EXEC') {
      this.block = undefined;
      return block;
    } else if (name === 'DISCARD') {
      this.block = undefined;
      this.db = this.dbBefore;
    } else block.push({ db: this.db, args });
    return [];
  }

  private run(db: number, args: readonly string[], offset: number): void {
    try {
      this.apply(db, args);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new AofDamaged(this.file, offset, reason);
    }
    this.commands++;
  }
}

function grown(window: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafeSlow(window.length * 2);
  window.copy(larger);
  return larger;
}
