import type { Effect, NodeJournal } from '../../keyspace/journal.ts';
import type { NodeHistory } from './history.ts';
import type { SharedLog } from './log.ts';
import { KIND, nodePrefix } from './record.ts';

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
    const buffer = this.begin(KIND.effect);
    buffer.effect(db, args);
    this.close(buffer.seal());
  }

  appendBlock(effects: readonly Effect[]): void {
    if (!this.writes) return;
    const buffer = this.begin(KIND.block);
    buffer.count(effects.length);
    for (const { db, args } of effects) buffer.effect(db, args);
    this.close(buffer.seal());
  }

  /** Records that the node has no data from here on; returns the size of the record, which its share then is. */
  appendEmpty(): number {
    const buffer = this.log.buffer(true);
    this.history.from = buffer.end;
    buffer.open(KIND.empty, this.prefix, ++this.history.sequence);
    this.history.bytes = buffer.seal();
    this.end = buffer.end;
    return this.history.bytes;
  }

  /** Records that a staged base takes the place of everything before; returns the position after the record. */
  appendReplace(name: string): number {
    const buffer = this.log.buffer(true);
    this.history.from = buffer.end;
    buffer.open(KIND.replace, this.prefix, ++this.history.sequence);
    buffer.text(name);
    this.history.bytes = buffer.seal();
    this.end = buffer.end;
    this.history.replacing = { name, end: buffer.end };
    return buffer.end;
  }

  get holdsReplies(): boolean {
    if (this.durability === 'always') return this.end > this.log.settled;
    return this.durability === 'everysec' && this.log.lagging && this.end > this.log.settled;
  }

  whenDurable(callback: (durable: boolean) => void): void {
    if (this.durability === 'none' || this.end <= this.log.durable) queueMicrotask(() => callback(true));
    else this.log.whenDurable(callback);
  }

  get failure(): string | undefined {
    if (this.durability === 'none') return undefined;
    return this.closed ? 'this node has been closed or moved' : this.log.failure;
  }

  private get writes(): boolean {
    return this.durability !== 'none' && !this.closed && !this.log.broken;
  }

  private begin(kind: number) {
    const { history } = this;
    const always = this.durability === 'always';
    const buffer = this.log.buffer(always);
    if (history.from === undefined) {
      history.from = buffer.end;
      buffer.open(KIND.empty, this.prefix, ++history.sequence);
      buffer.seal();
    }
    buffer.open(kind, this.prefix, ++history.sequence);
    return buffer;
  }

  private close(size: number): void {
    const { history } = this;
    history.bytes += size;
    this.end = this.log.end;
    this.grown(history);
  }
}
