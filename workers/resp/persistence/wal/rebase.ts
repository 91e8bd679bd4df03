import type { Node } from '../../keyspace/node.ts';
import { placeBase, removeFile, stageBase, writeBase } from './bases.ts';
import type { Base } from './bases.ts';
import { neededFrom } from './compaction.ts';
import type { NodeHistory } from './history.ts';
import type { WalJournal } from './journal.ts';
import type { Probe, SharedLog } from './log.ts';
import { syncFolder } from './segment.ts';

/** What the steps that change a node's base work on. Only one of them runs for a node at a time. */
export interface BaseContext {
  readonly log: SharedLog;
  readonly basesDir: string;
  readonly histories: ReadonlyMap<string, NodeHistory>;
  readonly probe: Probe;
}

/** Writes a node's base and lets go of everything before it. A node without keys and users takes no file. */
export async function rebase(context: BaseContext, journal: WalJournal, node: Node): Promise<void> {
  const { log, basesDir, probe } = context;
  const { history } = journal;
  const old = history.base;
  if (isEmpty(node)) {
    if (old === undefined && history.bytes === 0) return;
    await forget(context, journal);
  } else {
    let position = 0;
    let covered = 0;
    const written = await writeBase(basesDir, node, probe, () => {
      position = log.cut();
      covered = history.bytes;
    });
    // What the base stands for is in the log on the disk before the base is: positions are never used twice.
    await log.settle();
    probe('base-place');
    const placed = await placeBase(basesDir, history.id, written, position);
    setBase(history, placed, covered);
    probe('base-placed');
    // Where nothing was appended in between, the new base has taken the old one's name.
    if (old !== undefined && old.file !== placed.file) await removeFile(old.file);
  }
  await releaseSegments(context);
}

function isEmpty({ aclUsers, libraries, databases }: Node): boolean {
  return (
    aclUsers === undefined && libraries === undefined && databases.every((db) => db === undefined || db.size === 0)
  );
}

/** Records that a node has no data, after which nothing of it is needed any more. */
export async function forget({ log, basesDir, probe }: BaseContext, journal: WalJournal): Promise<void> {
  const { history } = journal;
  const { base } = history;
  const share = journal.appendEmpty();
  history.base = undefined;
  history.replacing = undefined;
  await log.settle();
  probe('emptied');
  if (base !== undefined) {
    // The file must not come back after a crash, because the record that makes it void may be gone by then.
    await removeFile(base.file);
    await syncFolder(basesDir);
  }
  if (history.bytes > share) return;
  history.bytes = 0;
  history.from = undefined;
}

/**
 * Puts the data of `content` in the place of a node's. The new base is on the disk before the record that names it is
 * appended, in the same instant in which `swap` changes the memory: that record decides between old and new.
 */
export async function replaceData(
  { log, basesDir, probe }: BaseContext,
  journal: WalJournal,
  node: Node,
  content: Node,
  swap: () => void,
): Promise<void> {
  const { history } = journal;
  mustWrite(log);
  const staged = await stageBase(basesDir, history.id, content, probe);
  probe('replace-swap');
  // What a script did half is either all of the old data or not at all.
  await node.whole();
  try {
    mustWrite(log);
    swap();
  } catch (error) {
    await removeFile(staged.file);
    throw error;
  }
  const old = history.base;
  const end = journal.appendReplace(staged.name);
  const share = history.bytes;
  await log.settle();
  probe('replace-recorded');
  setBase(history, await placeBase(basesDir, history.id, staged, end), share);
  probe('replace-placed');
  if (old !== undefined) await removeFile(old.file);
}

/** Removes the segments that no node needs any more. */
export function releaseSegments({ log, histories }: BaseContext): Promise<void> {
  return log.release(neededFrom(histories.values(), log));
}

function mustWrite({ failure }: SharedLog): void {
  if (failure !== undefined) throw new Error(`The data was not replaced: ${failure}`);
}

function setBase(history: NodeHistory, base: Base, covered: number): void {
  history.replacing = undefined;
  history.base = base;
  history.from = base.position;
  history.bytes -= covered;
}
