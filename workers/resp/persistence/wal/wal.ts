import { join } from 'node:path';

import { Node } from '../../keyspace/node.ts';
import { Compaction } from './compaction.ts';
import { hasData, newHistory, pinOf } from './history.ts';
import type { NodeHistory } from './history.ts';
import { WalJournal } from './journal.ts';
import type { Durability } from './journal.ts';
import { SharedLog } from './log.ts';
import type { Probe } from './log.ts';
import { isNodeId } from './record.ts';
import { forget, rebase, releaseSegments, replaceData } from './rebase.ts';
import type { BaseContext } from './rebase.ts';
import { replay } from './replay.ts';
import type { Apply, ReplayTarget } from './replay.ts';
import { checkEnd, scanLog } from './scan.ts';
import type { RecoveryReport, ScannedLog } from './scan.ts';
import { Turns } from './turns.ts';

export interface WalOptions {
  /** The folder of the log; one process at a time may use it. */
  readonly dir: string;
  /** `engine.applyJournaled`. */
  readonly apply: Apply;
  /** Size at which a new segment is begun: 64 MiB unless given. */
  readonly segmentBytes?: number;
  /** A node's share of the log at which its base is written anew, if it is larger than the base too: 64 MiB unless given, as Redis does. */
  readonly nodeBytes?: number;
  /** Size of the whole log beyond which the nodes that hold its oldest segment are given new bases: 512 MiB unless given. */
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
  /** Not lower than the node's epoch before; the log refuses what has lapsed. */
  readonly epoch: number;
  readonly durability: Durability;
  /** Throws away what the log may hold of the node: for a new node, or to restore into one that can't be recovered. */
  readonly fresh?: boolean;
}

/** Whether a node could be recovered. A failed one is empty and has no journal. */
export type OpenedNode =
  | { readonly id: string; readonly ok: true; readonly keys: number; readonly effects: number }
  | { readonly id: string; readonly ok: false; readonly reason: string };

interface Opened {
  readonly node: Node;
  readonly journal: WalJournal;
}

/** The write-ahead log of one engine process, for all its nodes. */
export class Wal {
  /** What was found when it was opened. */
  readonly report: RecoveryReport;
  private readonly apply: Apply;
  private readonly histories: Map<string, NodeHistory>;
  private readonly open = new Map<string, Opened>();
  private readonly log: SharedLog;
  private readonly context: BaseContext;
  private readonly compaction: Compaction;
  private readonly grown = (history: NodeHistory): void => this.compaction.grown(history);
  /** Recoveries, bases, replacements and drops of one node take turns. */
  private readonly turns = new Turns();

  constructor(options: WalOptions, scanned: ScannedLog) {
    const { dir, apply, probe = () => {}, segmentBytes = 67_108_864 } = options;
    const limits = { nodeBytes: options.nodeBytes ?? 67_108_864, logBytes: options.logBytes ?? 536_870_912 };
    this.apply = apply;
    this.report = scanned.report;
    this.histories = scanned.histories;
    const onRotate = (): void => this.compaction.start();
    this.log = new SharedLog({ dir, segmentBytes, probe, onRotate }, scanned.segments, scanned.position);
    this.context = { log: this.log, basesDir: join(dir, 'bases'), histories: this.histories, probe };
    const rebaseOne = (id: string): Promise<void> => this.writeBase(id);
    this.compaction = new Compaction(this.histories, this.log, limits, rebaseOne, options.onTrouble ?? (() => {}));
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
  openNodes(wanted: readonly NodeToOpen[]): Promise<OpenedNode[]> {
    const ids = wanted.map(({ node }) => node.id);
    return this.turns.take(ids, async () => {
      const targets: (ReplayTarget & { readonly wanted: NodeToOpen })[] = [];
      for (const one of wanted) {
        const twice = targets.some(({ node }) => node.id === one.node.id);
        const failure = twice ? 'it is opened twice' : this.refusal(one);
        if (failure === undefined && one.fresh === true) await this.drop(one.node.id);
        const history = this.histories.get(one.node.id) ?? newHistory(one.node.id);
        targets.push({ wanted: one, history, node: one.node, effects: 0, failure });
      }
      const fit = targets.filter(({ failure }) => failure === undefined);
      // A node with nothing but a base, as one that comes back after having been closed, waits for no disk.
      if (fit.some(({ history }) => pinOf(history) !== Infinity)) await this.log.settle().catch(() => {});
      await replay(this.log.segments, this.log.readable, fit, this.apply);
      for (const { history, failure } of fit) if (failure !== undefined) history.failure = failure;
      return targets.map((target): OpenedNode => {
        const { history, node, effects, failure } = target;
        if (failure !== undefined) return { id: history.id, ok: false, reason: failure };
        this.attach(target.wanted, history);
        const keys = node.databases.reduce((sum, db) => sum + (db?.size ?? 0), 0);
        return { id: history.id, ok: true, keys, effects };
      });
    });
  }

  /** As `openNodes`, for one; rejects when it can't be recovered. */
  async openNode(wanted: NodeToOpen): Promise<{ keys: number; effects: number }> {
    const [opened] = await this.openNodes([wanted]);
    if (opened!.ok) return opened!;
    throw new Error(`The node ${opened!.id} can't be recovered: ${opened!.reason}`);
  }

  /**
   * Ends a node's journal, which refuses writes from here on. With `base` what the node holds is written as its base, so
   * that it needs nothing of the log any more and starts quickly; a `none` node keeps its data only so.
   */
  closeNode(id: string, options: { readonly base: boolean }): Promise<void> {
    return this.turns.take([id], async () => {
      const opened = this.open.get(id);
      if (opened === undefined) return;
      if (options.base) await this.rebaseOpen(this.histories.get(id)!, opened);
      opened.journal.closed = true;
      this.open.delete(id);
    });
  }

  /** Writes a node's base now, if there is anything new. A node without keys takes no file. */
  writeBase(id: string): Promise<void> {
    return this.turns.take([id], async () => {
      const opened = this.open.get(id);
      const history = this.histories.get(id);
      if (history === undefined || history.failure !== undefined) return;
      if (opened === undefined) await this.rebaseClosed(history);
      else await this.rebaseOpen(history, opened);
    });
  }

  /**
   * Replaces all data of a node by that of `content`, a detached node. `swap` does it in memory, synchronously. A crash at
   * any point leaves all of the old data or all of the new; once this resolves the new is on the disk. When it rejects
   * before `swap` was called, nothing has changed.
   */
  replaceNode(id: string, content: Node, swap: () => void): Promise<void> {
    return this.turns.take([id], async () => {
      const opened = this.open.get(id);
      if (opened === undefined) throw new Error(`The node ${id} is not open.`);
      await replaceData(this.context, opened.journal, opened.node, content, swap);
    });
  }

  /** Forgets a node and all its data; that is so on the disk when this resolves. Unknown nodes are dropped already. */
  dropNode(id: string): Promise<void> {
    return this.turns.take([id], async () => {
      const opened = this.open.get(id);
      if (opened !== undefined) opened.journal.closed = true;
      this.open.delete(id);
      await this.drop(id);
    });
  }

  /** Writes and syncs everything and ends the log. Nodes keep what they hold in memory; writes are refused. */
  async close(): Promise<void> {
    for (const { journal } of this.open.values()) journal.closed = true;
    await this.compaction.stop();
    this.open.clear();
    await this.log.close();
  }

  private refusal({ node: { id }, epoch, fresh }: NodeToOpen): string | undefined {
    if (!isNodeId(id)) return `the id ${JSON.stringify(id)} can't be a file name`;
    if (this.open.has(id)) return 'it is open already';
    if (fresh === true) return undefined;
    const known = this.histories.get(id);
    if (known?.failure !== undefined) return known.failure;
    if (known !== undefined && known.epoch > epoch) {
      return `its epoch ${epoch} has lapsed: the log holds records of epoch ${known.epoch}`;
    }
    const { damage } = this.report;
    if (known !== undefined || damage === undefined) return undefined;
    return `it can't be proven that it had no data in the damaged part of the log (${damage.reason})`;
  }

  private attach({ node, durability, epoch, fresh }: NodeToOpen, history: NodeHistory): void {
    const journal = new WalJournal(this.log, history, durability, epoch, this.grown);
    history.epoch = epoch;
    node.journal = journal;
    this.histories.set(node.id, history);
    this.open.set(node.id, { node, journal });
    // In a damaged log a node that is not mentioned can't be told from one that was lost; so a new one is.
    if (fresh === true && this.report.damage !== undefined) journal.appendEmpty();
  }

  private async drop(id: string): Promise<void> {
    const history = this.histories.get(id);
    if (history !== undefined && hasData(history)) {
      history.failure = undefined;
      await forget(this.context, this.internalJournal(history));
    }
    this.histories.delete(id);
    await releaseSegments(this.context);
  }

  private async rebaseOpen(history: NodeHistory, { node, journal }: Opened): Promise<void> {
    // What a script has done so far is in the log only when it has ended.
    await node.whole();
    if (journal.durability === 'none' || history.bytes > 0) await rebase(this.context, journal, node);
  }

  /** A node that nobody serves is recovered beside, to give it a new base. */
  private async rebaseClosed(history: NodeHistory): Promise<void> {
    if (history.bytes === 0) return;
    const target: ReplayTarget = { history, node: new Node({ id: history.id }), effects: 0, failure: undefined };
    await this.log.settle();
    await replay(this.log.segments, this.log.readable, [target], this.apply);
    if (target.failure !== undefined) history.failure = target.failure;
    else await rebase(this.context, this.internalJournal(history), target.node);
  }

  /** For records that the log itself makes, whatever the node's durability. */
  private internalJournal(history: NodeHistory): WalJournal {
    return new WalJournal(this.log, history, 'always', history.epoch, () => {});
  }
}

/** Opens a log: reads and checks all of it. Rejects with LogDamaged when it can't be told which nodes are whole. */
export async function openWal(options: WalOptions): Promise<Wal> {
  const scanned = await scanLog(options.dir, join(options.dir, 'bases'));
  checkEnd(scanned);
  return new Wal(options, scanned);
}
