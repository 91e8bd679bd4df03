import { mkdir, open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';

import { syncFolder } from '#infra/files/sync-folder.ts';

/** Which partition holds a node's data, kept in a file: it must be known before the first write, and stays when processes come and go. */
export interface Assignments {
  partitionOf(nodeId: string): number | undefined;
  /** Holds at once, and is on the disk when it resolves. Of a node that is assigned already nothing changes. */
  assign(nodeId: string, partition: number): Promise<void>;
  /** The node has no data any more. */
  release(nodeId: string): void;
  nodes(): Iterable<string>;
  /** Partitions that nodes are assigned to. */
  partitions(): ReadonlySet<number>;
  close(): Promise<void>;
}

const released = '-';

/**
 * Opens `<folder>/partitions`, lines of `<node> <partition>`, where the last of a node counts. A line that a crash cut off was
 * never promised to anybody. The file is written anew at each start, so that it does not grow with the nodes that were.
 */
export async function openAssignments(folder: string): Promise<Assignments> {
  const file = path.join(folder, 'partitions');
  await mkdir(folder, { recursive: true });
  const assigned = parse(await readFile(file, 'utf8').catch(ifMissing));
  const content = [...assigned].map(([nodeId, partition]) => line(nodeId, partition)).join('');
  const handle = await open(`${file}.new`, 'w', 0o600);
  await handle.writeFile(content);
  await handle.sync();
  await rename(`${file}.new`, file);
  await syncFolder(folder);

  let pending = '';
  let next: Promise<void> | undefined;
  let written: Promise<void> = Promise.resolve();

  /** All who add a line in the same moment share one write. */
  function write(text: string): Promise<void> {
    pending += text;
    next ??= written
      .catch(() => {})
      .then(async () => {
        const lines = pending;
        pending = '';
        next = undefined;
        try {
          await handle.appendFile(lines);
          await handle.datasync();
        } catch (error) {
          // Once more next time, and apart from what may have been written of it.
          pending = `\n${lines}${pending}`;
          throw error;
        }
      });
    written = next;
    return next;
  }

  return {
    partitionOf: (nodeId) => assigned.get(nodeId),
    assign(nodeId, partition) {
      // Its line may still be on its way, or may have failed to be written.
      if (assigned.has(nodeId)) return pending === '' ? written : write('');
      assigned.set(nodeId, partition);
      return write(line(nodeId, partition));
    },
    release(nodeId) {
      // Lost in a crash it costs nothing but the line.
      if (assigned.delete(nodeId)) write(line(nodeId, released)).catch(() => {});
    },
    nodes: () => assigned.keys(),
    partitions: () => new Set(assigned.values()),
    async close() {
      await written.catch(() => {});
      await handle.close();
    },
  };
}

function parse(text: string): Map<string, number> {
  const assigned = new Map<string, number>();
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  for (const [nodeId = '', partition] of whole.split('\n').map((entry) => entry.split(' '))) {
    if (partition === released) assigned.delete(nodeId);
    else if (partition !== undefined) assigned.set(nodeId, Number(partition));
  }
  return assigned;
}

function line(nodeId: string, partition: number | typeof released): string {
  return `${nodeId} ${partition}\n`;
}

function ifMissing(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '';
  throw error;
}
