import type { Logger } from '#infra/logging/log.ts';
import type { ObjectStore } from '#infra/object-store/object-store.ts';
import type { ExtraCommand, ReplyError } from '#workers/resp/engine-api.ts';
import type { Node } from '#workers/resp/keyspace/node.ts';

import { createGate } from '../reports/gate.ts';
import { restoreFromStore } from './restore.ts';
import { snapshotToStore } from './snapshot.ts';
import { verifyObject } from './verify.ts';

interface PlatformCommandOptions {
  readonly store: ObjectStore;
  /** Whether the node is one that is being served; platform connections also reach others. */
  readonly isOpen: (node: Node) => boolean;
  /** Puts loaded data in the place of the node's, atomically and durably, and resolves once the log knows. */
  readonly replace: (node: Node, loaded: Node) => Promise<void>;
  readonly log: Logger;
}

type Subcommand = (node: Node, args: readonly string[], signal: AbortSignal) => Promise<object>;

/** So many work at a time in the whole process, since each takes its slices from all nodes. */
const concurrency = 2;

/**
 * The commands that only the platform's own connections have: `MINIREDIS SNAPSHOT <object key>`, `MINIREDIS VERIFY <object key>
 * <sha256>` and `MINIREDIS RESTORE <object key> <sha256>`. They reply with JSON, or with an error whose code is the
 * subcommand. One runs on a node at a time, the next waits; each ends when its connection does.
 */
export function platformCommands({ store, isOpen, replace, log }: PlatformCommandOptions): ExtraCommand {
  const gate = createGate(concurrency);
  const turns = new WeakMap<Node, ReturnType<typeof createGate>>();
  const subcommands: Readonly<
    Record<string, { readonly words: number; readonly needsNode: boolean; readonly run: Subcommand }>
  > = {
    SNAPSHOT: {
      words: 3,
      needsNode: true,
      run: (node, [, , key = ''], signal) => snapshotToStore(node, store, key, signal),
    },
    VERIFY: {
      words: 4,
      needsNode: false,
      run: (_, [, , key = '', sha256 = ''], signal) => verifyObject(store, key, sha256, signal),
    },
    RESTORE: {
      words: 4,
      needsNode: true,
      run: (node, [, , key = '', sha256 = ''], signal) =>
        restoreFromStore(node, store, key, sha256, (loaded) => replace(node, loaded), signal),
    },
  };

  async function run(name: string, node: Node, task: () => Promise<object>): Promise<string | ReplyError> {
    const startedAt = performance.now();
    try {
      let turn = turns.get(node);
      if (turn === undefined) turns.set(node, (turn = createGate(1)));
      const result = await turn(() => gate(task));
      log.info({ nodeId: node.id, command: name, ms: Math.round(performance.now() - startedAt), ...result }, 'done');
      return JSON.stringify(result);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn({ nodeId: node.id, command: name, reason }, 'a platform command failed');
      return { error: `${name} ${reason.replaceAll(/[\r\n]+/g, ' ')}` };
    }
  }

  return {
    name: 'miniredis',
    arity: -2,
    handler(node, args, signal) {
      const name = (args[1] ?? '').toUpperCase();
      const subcommand = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined;
      if (subcommand === undefined) return { error: `ERR unknown subcommand '${args[1]}' of MINIREDIS` };
      if (args.length !== subcommand.words)
        return { error: `ERR wrong number of arguments for 'miniredis|${name.toLowerCase()}'` };
      return run(name, node, async () => {
        signal.throwIfAborted();
        if (subcommand.needsNode && !isOpen(node)) throw new Error('The node does not run; start it first.');
        return subcommand.run(node, args, signal);
      });
    },
  };
}
