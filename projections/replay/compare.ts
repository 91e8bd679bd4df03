import { isDeepStrictEqual } from 'node:util';

import { z } from 'zod';

import { get, HistoryProblem, type Gateway } from './history.ts';
import type { Shown } from './shapes.ts';

/** The first thing that the live read models show otherwise. */
export interface Difference {
  readonly list: string;
  readonly id: string;
  /** Null when the whole thing is missing on one side. */
  readonly field: string | null;
  readonly replayed: unknown;
  readonly live: unknown;
}

/** How the replay is asked: what it shows, and to fold what the log has up to a position. */
export interface Replayed {
  ids(list: string): readonly string[];
  shown(list: string, id: string): Shown | undefined;
  extendTo(position: bigint): Promise<void>;
}

const lists = ['tenants', 'nodes', 'backups'] as const;
const pageSize = 100;
/** A thing that is changed while it is compared is read again. */
const attempts = 20;

const ListReply = z.object({
  items: z.array(z.looseObject({ id: z.string(), version: z.int() })),
  nextCursor: z.string().nullable(),
});
type Live = z.infer<typeof ListReply>['items'][number];

/**
 * Reads the live lists to their ends, deleted things included, and compares each thing with the replay. The platform may go on
 * meanwhile: the replay is extended to the position of each page. Null when there is no difference, else the first.
 */
export async function compareWithLive(gateway: Gateway, replayed: Replayed): Promise<Difference | null> {
  for (const list of lists) {
    const before = replayed.ids(list);
    const live = new Set<string>();
    for (const state of ['', '&state=deleted']) {
      let cursor: string | null = '';
      while (cursor !== null) {
        const path = `/v1/${list}?limit=${pageSize}${state}${cursor === '' ? '' : `&cursor=${cursor}`}`;
        const page = await comparePage(gateway, replayed, list, path);
        if (page.difference !== null) return page.difference;
        for (const id of page.ids) live.add(id);
        cursor = page.nextCursor;
      }
    }
    const missing = before.find((id) => !live.has(id));
    if (missing !== undefined) {
      return { list, id: missing, field: null, replayed: replayed.shown(list, missing), live: null };
    }
  }
  return null;
}

async function comparePage(gateway: Gateway, replayed: Replayed, list: string, path: string) {
  for (let attempt = 1; ; attempt += 1) {
    const response = await get(gateway, path);
    const position = response.headers.get('x-miniredis-position');
    if (position === null)
      throw new HistoryProblem(`GET ${path} does not say its position; is this a MiniRedis gateway?`);
    const { items, nextCursor } = ListReply.parse(await response.json());
    await replayed.extendTo(BigInt(position));
    const pairs = items.map((live) => [replayed.shown(list, live.id), live] as const);
    // A row may be newer than the position that its list vouches for; the next attempt knows it, too.
    const newer = pairs.some(([shown, { version }]) => version > Number(shown?.['version'] ?? -1));
    if (newer && attempt < attempts) continue;
    const differences = pairs.map(([shown, live]) => differenceOf(list, shown, live));
    return { difference: differences.find((one) => one !== null) ?? null, ids: items.map(({ id }) => id), nextCursor };
  }
}

/** Compares the fields that the replay shows; others, such as a node's endpoint, are not history. */
function differenceOf(list: string, replayed: Shown | undefined, live: Live): Difference | null {
  if (replayed === undefined) return { list, id: live.id, field: null, replayed: null, live };
  const field = Object.keys(replayed).find((name) => !isDeepStrictEqual(replayed[name], live[name]));
  return field === undefined
    ? null
    : { list, id: live.id, field, replayed: replayed[field], live: live[field] ?? null };
}
