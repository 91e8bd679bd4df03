import { join } from 'node:path';

import { Node } from '../../keyspace/node.ts';
import { placeBase, removeFile, stageBase, writeBase } from './bases.ts';
import { hasData, newHistory, pinOf } from './history.ts';
import type { NodeHistory } from './history.ts';
import { WalJournal } from './journal.ts';
import type { Durability } from './journal.ts';
import { SharedLog } from './log.ts';
import type { Probe } from './log.ts';
import { isNodeId } from './record.ts';
import { replay } from './replay.ts';
import type { Apply, ReplayTarget } from './replay.ts';
import { checkEnd, scanLog } from './scan.ts';
import type { RecoveryReport } from './scan.ts';
import { syncFolder } from './segment.ts';

export interface WalOptions {
  /** The folder of the log; one process at a time may use it. */
  readonly dir: string;
  /** `engine.applyJournaled`. */
  readonly apply: Apply;
  /** Size at which a new segment is begun. */
  readonly segmentBytes?: number;
  /** A node's share of the log at which its base is written anew, if it is larger than the base too. */
  readonly nodeBytes?: number;
  /** Size of the whole log beyond which the nodes that hold its oldest segment are given new bases. */
  readonly logBytes?: number;
  /** Told of what goes wrong in the background. */
  readonly onTrouble?: (message: string) => void;
  /** For tests: called at each step between which a crash could fall. */
  readonly probe?: Probe;
}

/** A node that is to be served. */
export interface NodeToOpen {
  /** Empty; it is filled with what the log holds, and given its journal. */
  readonly node: Node;
  readonly epoch: number;
  readonly durability: Durability;
  /** Throws away what the log may hold of the node: for a new node, or to restore into one that can't be recovered. */
  readonly fresh?: boolean;
}

/** Whether a node could be recovered. A failed one is empty and has no journal. */
export type OpenedNode =
  | { readonly id: string; readonly ok: true; readonly keys: number; readonly effects: number }
  | { readonly id: string; readonly ok: false; readonly reason: string };

/** After a compaction failed, for example because the disk is full, it is not tried again at once. */
const COMPACT_RETRY_MS = 5000;

/** The write-ahead log of one engine process, for all its nodes. */
export class Wal {
  /** What was found when it was opened. */
  readonly report: RecoveryReport;
  private readonly options: WalOptions;
  private readonly histories: Map<string, NodeHistory>;
  private readonly open = new Map<string, { readonly node: Node; readonly journal: WalJournal }>();
  private readonly log: SharedLog;
  private readonly probe: Probe;
  private readonly basesDir: string;
  /** What runs for a node, by id: bases, replacements and drops of one node take turns. */
  private readonly turns = new Map<string, Promise<unknown>>();
  private compacting: Promise<void> | undefined;
  private compactAfter = 0;
  private closing = false;

  constructor(options: WalOptions, scanned: Awaited<ReturnType<typeof scanLog>>) {
    this.options = options;
    this.report = scanned.report;
    this.histories = scanned.histories;
    this.basesDir = join(options.dir, 'bases');
    this.probe = options.probe ?? (() => {});
    const { dir, segmentBytes = 67_108_864 } = options;
    const onRotate = (): void => this.compactSoon();
    this.log = new SharedLog({ dir, segmentBytes, probe: this.probe, onRotate }, scanned.segments, scanned.position);
  }

  /** Why nothing can be written down at the moment; undefined while all is well. */
  get failure(): string | undefined {
    return this.log.failure;
  }

  /** Bytes of all segments. */
  get bytes(): number {
    return this.log.bytes;
  }

  /** The nodes of which there is something to recover, or something that can't be. */
  nodes(): string[] {
    return [...this.histories.values()].filter(hasData).map(({ id }) => id);
  }

  /** Recovers nodes, all in one pass over the log, and gives each its journal. */
  async openNodes(wanted: readonly NodeToOpen[]): Promise<OpenedNode[]> {
    const targets: (ReplayTarget & { readonly wanted: NodeToOpen })[] = [];
    for (const one of wanted) {
      const { id } = one.node;
      if (!isNodeId(id)) throw new Error(`The node id ${JSON.stringify(id)} can't be a file name.`);
      if (this.open.has(id)) throw new Error(`The node ${id} is open already; close it first.`);
      if (one.fresh === true) await this.dropNode(id);
      const known = this.histories.get(id);
      const history = known ?? newHistory(id);
      this.histories.set(id, history);
      const failure = one.fresh === true ? undefined : this.refusal(one, known);
      targets.push({ wanted: one, history, node: one.node, effects: 0, failure });
    }
    await this.log.sync().catch(() => {});
    const fit = targets.filter(({ failure }) => failure === undefined);
    await replay(this.log.segments, this.log.readable, fit, this.options.apply);
    return targets.map((target): OpenedNode => {
      const { history, node, effects } = target;
      if (target.failure !== undefined) {
        if (fit.includes(target)) history.failure = target.failure;
        return { id: history.id, ok: false, reason: target.failure };
      }
      const { durability, epoch } = target.wanted;
      const journal = new WalJournal(this.log, history, durability, epoch, (grown) => this.grown(grown));
      history.epoch = epoch;
      node.journal = journal;
      // In a damaged log a node that is not mentioned can't be told from one that was lost; so a new one is.
      if (target.wanted.fresh === true && this.report.damage !== undefined) journal.appendEmpty();
      this.open.set(history.id, { node, journal });
      const keys = node.databases.reduce((sum, db) => sum + (db?.size ?? 0), 0);
      return { id: history.id, ok: true, keys, effects };
    });
  }

  /** As `openNodes`, for one; rejects when it can't be recovered. */
  async openNode(wanted: NodeToOpen): Promise<{ keys: number; effects: number }> {
    const [opened] = await this.openNodes([wanted]);
    if (opened!.ok) return opened!;
    throw new Error(`The node ${opened!.id} can't be recovered: ${opened!.reason}`);
  }

  /**
   * Ends a node's journal; the node must have been closed for writes. With `base` what it holds is written as its base,
   * so that it needs nothing of the log any more and starts quickly; a `none` node keeps its data only so.
   */
  async closeNode(id: string, options: { readonly base: boolean }): Promise<void> {
    const opened = this.open.get(id);
    if (opened === undefined) return;
    if (options.base) await this.writeBase(id);
    opened.journal.closed = true;
    opened.node.journal = undefined;
    this.open.delete(id);
  }

  /** Writes a node's base now. A node without keys takes no file. */
  writeBase(id: string): Promise<void> {
    return this.inTurn(id, async () => {
      const opened = this.open.get(id);
      const history = this.histories.get(id);
      if (history === undefined || history.failure !== undefined) return;
      if (opened === undefined) await this.rebaseClosed(history);
      else if (opened.journal.durability === 'none' || history.bytes > 0) {
        await this.rebase(history, opened.node, opened.journal);
      }
    });
  }

  /**
   * Replaces all data of a node by that of `content`, a detached node. `swap` does it in memory, synchronously. A crash at
   * any point leaves all of the old data or all of the new; once this resolves the new is on the disk. When it rejects
   * before `swap` was called, nothing has changed.
   */
  replaceNode(id: string, content: Node, swap: () => void): Promise<void> {
    return this.inTurn(id, async () => {
      const { journal } = this.opened(id);
      if (this.log.failure !== undefined) throw new Error(`MISCONF ${this.log.failure}`);
      const staged = await stageBase(this.basesDir, id, content, this.probe);
      if (this.log.failure !== undefined || journal.closed) {
        await removeFile(staged.file);
        throw new Error(this.log.failure ?? `The node ${id} was closed while it was being replaced.`);
      }
      this.probe('replace-swap');
      const old = journal.history.base;
      swap();
      const end = journal.appendReplace(staged.name);
      await this.log.sync();
      this.probe('replace-recorded');
      this.setBase(journal.history, await placeBase(this.basesDir, id, staged, end), end - journal.history.from!);
      this.probe('replace-placed');
      if (old !== undefined) await removeFile(old.file);
    });
  }

  /** Forgets a node and all its data; that is so on the disk when this resolves. Unknown nodes are dropped already. */
  dropNode(id: string): Promise<void> {
    return this.inTurn(id, async () => {
      const opened = this.open.get(id);
      if (opened !== undefined) {
        opened.journal.closed = true;
        opened.node.journal = undefined;
        this.open.delete(id);
      }
      const history = this.histories.get(id);
      if (history !== undefined && hasData(history)) {
        const { base } = history;
        new WalJournal(this.log, history, 'always', history.epoch, () => {}).appendEmpty();
        await this.log.sync();
        this.probe('drop-recorded');
        if (base !== undefined) await this.removeBase(base.file);
      }
      this.histories.delete(id);
      await this.log.release(this.needed());
    });
  }

  /** Writes and syncs everything and ends the log. Nodes keep what they hold, but nothing is written any more. */
  async close(): Promise<void> {
    this.closing = true;
    await this.compacting;
    for (const { journal, node } of this.open.values()) {
      journal.closed = true;
      node.journal = undefined;
    }
    this.open.clear();
    await this.log.close();
  }

  private opened(id: string): { readonly node: Node; readonly journal: WalJournal } {
    const opened = this.open.get(id);
    if (opened === undefined) throw new Error(`The node ${id} is not open.`);
    return opened;
  }

  private refusal({ epoch }: NodeToOpen, known: NodeHistory | undefined): string | undefined {
    if (known?.failure !== undefined) return known.failure;
    if (known !== undefined && known.epoch > epoch) {
      return `its epoch ${epoch} has lapsed: the log holds records of epoch ${known.epoch}`;
    }
    const { damage } = this.report;
    if (known === undefined && damage !== undefined) {
      return `it can't be proven that it had no data in the damaged part of the log (${damage.reason})`;
    }
    return undefined;
  }

  /** Writes a node's base and lets go of everything before it. */
  private async rebase(history: NodeHistory, node: Node, journal: WalJournal): Promise<void> {
    const old = history.base;
    if (node.databases.every((db) => db === undefined || db.size === 0)) {
      if (old === undefined && history.bytes === 0) return;
      await this.forget(history, journal);
    } else {
      let position = 0;
      let covered = 0;
      const written = await writeBase(this.basesDir, node, this.probe, () => {
        position = this.log.position;
        covered = history.bytes;
      });
      // What the base stands for is in the log on the disk before the base is: positions are never used twice.
      await this.log.sync();
      this.probe('base-place');
      this.setBase(history, await placeBase(this.basesDir, history.id, written, position), covered);
      this.probe('base-placed');
      if (old !== undefined) await removeFile(old.file);
    }
    await this.log.release(this.needed());
  }

  /** Records that a node has no data, after which nothing of it is needed any more. */
  private async forget(history: NodeHistory, journal: WalJournal): Promise<void> {
    const { base } = history;
    const share = journal.appendEmpty();
    history.base = undefined;
    await this.log.sync();
    if (base !== undefined) await this.removeBase(base.file);
    if (history.bytes > share) return;
    history.bytes = 0;
    history.from = undefined;
  }

  /** The file must not come back after a crash, because the record that makes it void may be gone by then. */
  private async removeBase(file: string): Promise<void> {
    await removeFile(file);
    await syncFolder(this.basesDir);
  }

  private setBase(history: NodeHistory, base: NonNullable<NodeHistory['base']>, covered: number): void {
    history.replacing = undefined;
    history.base = base;
    history.from = base.position;
    history.bytes -= covered;
  }

  /** A node that nobody serves is recovered beside, to give it a new base. */
  private async rebaseClosed(history: NodeHistory): Promise<void> {
    if (history.bytes === 0) return;
    const node = new Node({ id: history.id });
    const target = { history, node, effects: 0, failure: undefined };
    await this.log.sync();
    await replay(this.log.segments, this.log.readable, [target], this.options.apply);
    const failure: string | undefined = target.failure;
    if (failure !== undefined) history.failure = failure;
    else await this.rebase(history, node, new WalJournal(this.log, history, 'none', history.epoch, () => {}));
  }

  private grown({ bytes, base }: NodeHistory): void {
    const { nodeBytes = 33_554_432 } = this.options;
    if (bytes > nodeBytes && bytes > (base?.bytes ?? 0)) this.compactSoon();
  }

  /** The position before which no node needs anything of the log. */
  private needed(): number {
    let least = Infinity;
    for (const history of this.histories.values()) least = Math.min(least, pinOf(history));
    return Math.min(least, this.log.durable);
  }

  private compactSoon(): void {
    if (this.compacting !== undefined || this.closing || performance.now() < this.compactAfter) return;
    this.compacting = this.compact()
      .catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        this.compactAfter = performance.now() + COMPACT_RETRY_MS;
        this.options.onTrouble?.(`The write-ahead log could not be compacted: ${reason}`);
      })
      .finally(() => {
        this.compacting = undefined;
      });
  }

  private async compact(): Promise<void> {
    await this.log.release(this.needed());
    for (let id = this.nextToRebase(); id !== undefined && !this.closing; id = this.nextToRebase()) {
      await this.writeBase(id);
    }
  }

  /** The node with the largest share over its limit; else, while the log is too large, the one that holds its oldest part. */
  private nextToRebase(): string | undefined {
    const { nodeBytes = 33_554_432, logBytes = 536_870_912 } = this.options;
    const candidates = [...this.histories.values()].filter(({ bytes, failure }) => bytes > 0 && failure === undefined);
    candidates.sort((a, b) => b.bytes - a.bytes);
    const large = candidates.find(({ bytes, base }) => bytes > nodeBytes && bytes > (base?.bytes ?? 0));
    if (large !== undefined || this.log.bytes <= logBytes) return large?.id;
    candidates.sort((a, b) => pinOf(a) - pinOf(b));
    const oldest = candidates[0];
    // The last segment is written to and stays, so nothing is gained by a base for what lies in it.
    const last = this.log.segments.at(-1)?.start ?? 0;
    return oldest !== undefined && pinOf(oldest) < last ? oldest.id : undefined;
  }

  private async inTurn<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.turns.get(id);
    const turn = (async () => {
      await before?.catch(() => {});
      return work();
    })();
    this.turns.set(id, turn);
    try {
      return await turn;
    } finally {
      if (this.turns.get(id) === turn) this.turns.delete(id);
    }
  }
}

/** Opens a log: reads and checks all of it. Rejects with LogDamaged when it can't be told which nodes are whole. */
export async function openWal(options: WalOptions): Promise<Wal> {
  const scanned = await scanLog(options.dir, join(options.dir, 'bases'));
  checkEnd(scanned);
  return new Wal(options, scanned);
}
