import type { Logger } from '#infra/logging/log.ts';
import type { ObjectStore } from '#infra/object-store/object-store.ts';
import type { ExtraCommand, ReplyError } from '#workers/resp/engine-api.ts';
import type { Node } from '#workers/resp/keyspace/node.ts';

import { createGate } from '../reports/gate.ts';
import { restoreFromStore } from './restore.ts';
import { snapshotToStore } from './snapshot.ts';
import { verifyInThread } from './verify-in-thread.ts';

interface PlatformCommandOptions {
  readonly store: ObjectStore;
  /** Where that store is, for threads that open it themselves. */
  readonly objectStoreUrl: string;
  /** Whether the node is one that is being served; platform connections also reach others. */
  readonly isOpen: (node: Node) => boolean;
  /** Puts loaded data in the place of the node's, atomically and durably, and resolves once the log knows. */
  readonly replace: (node: Node, loaded: Node) => Promise<void>;
  readonly log: Logger;
}

interface Subcommand {
  /** Words of the whole command, from and to. */
  readonly words: readonly [least: number, most: number];
  /** Whether it makes sense only while the node is served. */
  readonly needsNode: boolean;
  run(node: Node, args: readonly string[], signal: AbortSignal): Promise<object>;
}

/** So many work at a time in the whole process, since each takes its slices from all nodes. */
const concurrency = 2;

/**
 * The commands that only the platform's own connections have: `MINIREDIS SNAPSHOT <object key>`, `MINIREDIS VERIFY <object key>
 * <sha256>` and `MINIREDIS RESTORE <object key> <sha256> [<operation id>]`; a restore that is asked for again by the operation
 * that did it last only gets its reply again. They reply with JSON, or with an error whose code is the subcommand; with ERR
 * where it may go better another time. One runs on a node at a time, the next waits; each ends when its connection does.
 */
export function platformCommands({
  store,
  objectStoreUrl,
  isOpen,
  replace,
  log,
}: PlatformCommandOptions): ExtraCommand {
  const gate = createGate(concurrency);
  const turns = new WeakMap<Node, ReturnType<typeof createGate>>();
  const lastRestores = new WeakMap<Node, { readonly operationId: string; readonly result: object }>();

  const subcommands: Readonly<Record<string, Subcommand>> = {
    SNAPSHOT: {
      words: [3, 3],
      needsNode: true,
      run: (node, [, , key = ''], signal) => snapshotToStore(node, store, key, signal),
    },
    VERIFY: {
      words: [4, 4],
      needsNode: false,
      run: (_node, [, , objectKey = '', sha256 = ''], signal) =>
        verifyInThread({ objectStoreUrl, objectKey, sha256 }, signal),
    },
    RESTORE: {
      words: [4, 5],
      needsNode: true,
      async run(node, [, , key = '', sha256 = '', operationId], signal) {
        const last = lastRestores.get(node);
        // Whoever lost the first reply must not undo what clients have written since.
        if (last !== undefined && last.operationId === operationId) return last.result;
        const result = await restoreFromStore(node, store, key, sha256, (loaded) => replace(node, loaded), signal);
        if (operationId !== undefined) lastRestores.set(node, { operationId, result });
        return result;
      },
    },
  };

  async function run(name: string, node: Node, task: () => Promise<object>): Promise<string | ReplyError> {
    const startedAt = performance.now();
    let turn = turns.get(node);
    if (turn === undefined) turns.set(node, (turn = createGate(1)));
    try {
      const result = await turn(() => gate(task));
      log.info({ nodeId: node.id, command: name, ms: Math.round(performance.now() - startedAt), ...result }, 'done');
      return JSON.stringify(result);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn({ nodeId: node.id, command: name, reason }, 'a platform command failed');
      return { error: `${isPassing(error) ? 'ERR' : name} ${reason.replaceAll(/[\r\n]+/g, ' ')}` };
    }
  }

  return {
    name: 'miniredis',
    arity: -2,
    handler(node, args, signal) {
      const name = (args[1] ?? '').toUpperCase();
      const subcommand = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined;
      if (subcommand === undefined) return { error: `ERR unknown subcommand '${args[1]}' of MINIREDIS` };
      const [least, most] = subcommand.words;
      if (args.length < least || args.length > most) {
        return { error: `ERR wrong number of arguments for 'miniredis|${name.toLowerCase()}' command` };
      }
      return run(name, node, async () => {
        signal.throwIfAborted();
        if (subcommand.needsNode && !isOpen(node)) throw new Error('The node does not run; start it first.');
        return subcommand.run(node, args, signal);
      });
    },
  };
}

/** What the operating system says of a disk or a network; the object itself is not the reason. */
function isPassing(error: unknown): boolean {
  return typeof (error as { code?: unknown } | null)?.code === 'string';
}
