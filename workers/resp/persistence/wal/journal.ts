import type { Effect, NodeJournal } from '../../keyspace/journal.ts';
import type { NodeHistory } from './history.ts';
import type { SharedLog } from './log.ts';
import { nodePrefix } from './record-buffer.ts';
import type { RecordBuffer } from './record-buffer.ts';
import { KIND } from './record.ts';

/**
 * How durable a node is. `always`: replies wait until the write is on the disk. `everysec`: a crash may lose a second.
 * `none`: nothing is written as it happens; what is recovered is the last base, which a restore into the node and an
 * orderly stop write.
 */
export type Durability = 'none' | 'everysec' | 'always';

/** One node's share of the log. */
export class WalJournal implements NodeJournal {
  readonly durability: Durability;
  readonly history: NodeHistory;
  /** Set when the node was closed, dropped or opened anew: whoever still holds this journal has lost the node. */
  closed = false;
  private readonly log: SharedLog;
  private readonly epoch: number;
  private madePrefix: Buffer | undefined;
  private readonly grown: (history: NodeHistory) => void;
  /** The position after the last record of the node. */
  private end = 0;

  constructor(
    log: SharedLog,
    history: NodeHistory,
    durability: Durability,
    epoch: number,
    grown: (history: NodeHistory) => void,
  ) {
    this.log = log;
    this.history = history;
    this.durability = durability;
    this.epoch = epoch;
    this.grown = grown;
  }

  /** Made with the first record: a buffer takes more than the rest of the journal, and most nodes write nothing. */
  private get prefix(): Buffer {
    return (this.madePrefix ??= nodePrefix(this.history.id, this.epoch));
  }

  append(db: number, args: readonly string[]): void {
    if (!this.writes) return;
    const buffer = this.run();
    const { end } = buffer;
    buffer.effect(db, args);
    this.grew(buffer.end - end);
  }

  appendBlock(effects: readonly Effect[]): void {
    if (!this.writes) return;
    // A record is recovered whole or not at all, and is never ended within a block.
    const buffer = this.run();
    const { end } = buffer;
    for (const { db, args } of effects) buffer.effect(db, args);
    this.grew(buffer.end - end);
  }

  /** Records that the node has no data from here on; returns the size of the record, which its share then is. */
  appendEmpty(): number {
    this.appendFounding(KIND.empty, '');
    return this.history.bytes;
  }

  /** Records that a staged base takes the place of everything before; returns the position after the record. */
  appendReplace(name: string): number {
    this.appendFounding(KIND.replace, name);
    this.history.replacing = { name, end: this.end };
    return this.end;
  }

  get holdsReplies(): boolean {
    if (this.durability === 'always') return this.end > this.log.settled;
    return this.durability === 'everysec' && this.log.lagging && this.end > this.log.settled;
  }

  whenKept(callback: (kept: boolean) => void): void {
    if (this.durability === 'none') queueMicrotask(() => callback(true));
    else this.whenDurable(callback);
  }

  get isDurable(): boolean {
    return this.durability !== 'none' && this.end <= this.log.durable;
  }

  whenDurable(callback: (durable: boolean) => void): void {
    const { isDurable } = this;
    // Of a node that promises nothing, nothing is ever written.
    if (isDurable || this.durability === 'none') queueMicrotask(() => callback(isDurable));
    else this.log.whenDurable(callback);
  }

  get failure(): string | undefined {
    if (this.durability === 'none') return undefined;
    return this.closed ? 'this node has been closed or moved' : this.log.failure;
  }

  get records(): boolean {
    return this.durability !== 'none';
  }

  private get writes(): boolean {
    return this.records && !this.closed && !this.log.broken;
  }

  /** Appends a record after which nothing before it counts. */
  private appendFounding(kind: number, text: string): void {
    const { history, log } = this;
    const buffer = log.buffer(true);
    history.from = buffer.end;
    buffer.open(kind, this.prefix, ++history.sequence);
    buffer.text(text);
    buffer.seal();
    this.end = buffer.end;
    history.bytes = this.end - history.from;
  }

  /** The buffer with a record of the node's effects open: what it did within a tick shares one, as long as no other node comes between. */
  private run(): RecordBuffer {
    const { history, prefix } = this;
    const buffer = this.log.buffer(this.durability === 'always');
    if (buffer.continues(prefix)) return buffer;
    if (history.from === undefined) {
      history.from = buffer.end;
      buffer.open(KIND.empty, prefix, ++history.sequence);
    }
    const { end } = buffer;
    buffer.openRun(prefix, ++history.sequence);
    history.bytes += buffer.end - end;
    return buffer;
  }

  private grew(size: number): void {
    this.history.bytes += size;
    this.end = this.log.end;
    this.grown(this.history);
  }
}
