import { tick } from './clock.ts';
import type { Database } from './database.ts';
import type { Node } from './node.ts';

const INTERVAL_MS = 100;
/** What one round over all nodes may take, so that nobody's requests wait for expiry. */
const BUDGET_MS = 2;

/**
 * Removes expired keys nobody asks for. Only nodes that have keys with an expiry are visited, a few keys at a time; the
 * timer runs only while there are such nodes.
 */
export function createExpiryCycle(): { readonly watch: (node: Node) => void; stop(): void } {
  const nodes = new Set<Node>();
  const cursors = new WeakMap<Database, number>();
  let timer: NodeJS.Timeout | undefined;

  const round = (): void => {
    tick();
    const deadline = performance.now() + BUDGET_MS;
    for (const node of Array.from(nodes)) {
      if (performance.now() > deadline) break;
      // Whoever was visited goes to the end of the line, so that a short budget is shared fairly.
      nodes.delete(node);
      if (!node.closed && (node.busy || visit(node, cursors, deadline))) nodes.add(node);
    }
    if (nodes.size === 0) stop();
  };
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
  };
  return {
    watch: (node) => {
      nodes.add(node);
      timer ??= setInterval(round, INTERVAL_MS).unref();
    },
    stop,
  };
}

/** Expires keys of a node while many of those seen are due; says whether any with an expiry are left. */
function visit(node: Node, cursors: WeakMap<Database, number>, deadline: number): boolean {
  let left = false;
  for (const db of node.databases) {
    if (db === undefined) continue;
    let seen = 0;
    let removed = 0;
    do {
      const due: string[] = [];
      seen = 0;
      const next = db.expires.scan(cursors.get(db) ?? 0, 20, (_, key) => {
        seen++;
        if (db.isExpired(key)) due.push(key);
      });
      cursors.set(db, next);
      for (const key of due) db.expireIfDue(key);
      removed = due.length;
      node.flushEffects();
      // As Redis: go on at once while more than a tenth of what was seen had expired.
    } while (removed > seen / 10 && performance.now() < deadline);
    if (db.expires.size > 0) left = true;
  }
  return left;
}
