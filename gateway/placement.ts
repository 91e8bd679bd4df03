import { createHash } from 'node:crypto';

import type { ManagerId, NodeId } from '#domains/kernel/ids.ts';
import type { Placement } from '#domains/node/commands.ts';

/** A registered manager with what it has and what it has promised already, in mebibytes. */
export interface ManagerLoad {
  readonly managerId: ManagerId;
  readonly memoryBudgetMb: number;
  readonly promisedMb: number;
}

/** What the read model says of all managers, and up to which position of the log. */
export interface ManagerLoads {
  readonly managers: readonly ManagerLoad[];
  readonly asOf: bigint;
}

/** A node's place with its memory set aside, until `settle` tells at which position the append was accepted, or null. */
interface SetAside<Place> {
  readonly placement: Place;
  readonly settle: (position: bigint | null) => void;
}

/** Chooses managers for nodes and keeps the sum of what they promise within their budgets. */
export interface Placements {
  /** A place for a new node: null when no manager is registered. */
  place(nodeId: NodeId, memoryLimitMb: number): Promise<SetAside<Placement>>;
  /** Room for a node that grows by so many mebibytes on its manager. */
  grow(managerId: ManagerId, byMb: number): Promise<SetAside<{ readonly availableMb: number }>>;
}

/** Each manager's weight, and how much it may still promise. */
type Rooms = ReadonlyMap<ManagerId, { readonly weight: number; readonly availableMb: number }>;

interface Promised {
  readonly managerId: ManagerId;
  readonly memoryMb: number;
  /** Where in the log it became true; null while that is being decided. */
  position: bigint | null;
}

/**
 * The read model lags behind the log, so what this process has promised lately is added to it until it shows there:
 * requests that race for the last room can't both have it.
 */
export function createPlacements(
  readLoads: (upToDate: boolean) => Promise<ManagerLoads>,
  overcommit: number,
): Placements {
  const recent = new Set<Promised>();

  const available = async (upToDate = false): Promise<Rooms> => {
    const { managers, asOf } = await readLoads(upToDate);
    for (const promised of recent) {
      if (promised.position !== null && promised.position <= asOf) recent.delete(promised);
    }
    return new Map(
      managers.map(({ managerId, memoryBudgetMb, promisedMb }) => {
        const pending = [...recent].filter((promised) => promised.managerId === managerId);
        const promised = pending.reduce((sum, { memoryMb }) => sum + memoryMb, promisedMb);
        const availableMb = Math.floor(memoryBudgetMb * overcommit) - promised;
        return [managerId, { weight: memoryBudgetMb, availableMb }];
      }),
    );
  };

  const setAside = (managerId: ManagerId, memoryMb: number): SetAside<unknown>['settle'] => {
    const promised: Promised = { managerId, memoryMb, position: null };
    recent.add(promised);
    return (position) => {
      if (position === null) recent.delete(promised);
      else promised.position = position;
    };
  };

  return {
    async place(nodeId, memoryLimitMb) {
      const placement = choose(nodeId, memoryLimitMb, await available());
      const fits = placement !== null && placement.availableMb >= memoryLimitMb;
      // Nothing is refused because of what the read model doesn't show yet, such as nodes deleted a moment ago.
      const final = fits ? placement : choose(nodeId, memoryLimitMb, await available(true));
      return { placement: final, settle: final === null ? () => {} : setAside(final.managerId, memoryLimitMb) };
    },
    async grow(managerId, byMb) {
      let availableMb = (await available()).get(managerId)?.availableMb ?? 0;
      if (availableMb < byMb) availableMb = (await available(true)).get(managerId)?.availableMb ?? 0;
      return { placement: { availableMb }, settle: setAside(managerId, Math.max(byMb, 0)) };
    },
  };
}

/** The manager that the node prefers among those with room, or the one it prefers of all when none has. */
function choose(nodeId: NodeId, memoryLimitMb: number, rooms: Rooms): Placement {
  const ranked = rankManagers(nodeId, new Map([...rooms].map(([managerId, { weight }]) => [managerId, weight])));
  const roomy = ranked.find((managerId) => (rooms.get(managerId)?.availableMb ?? 0) >= memoryLimitMb);
  const managerId = roomy ?? ranked[0];
  return managerId === undefined ? null : { managerId, availableMb: rooms.get(managerId)?.availableMb ?? 0 };
}

/**
 * Managers in the order in which a node prefers them, by weighted rendezvous hashing: nodes spread in proportion to the
 * weights, and when a manager comes or goes only the nodes that prefer it move.
 * See Schindelhauer and Schomaker, "Weighted Distributed Hash Tables" (2005).
 */
export function rankManagers(nodeId: string, weights: ReadonlyMap<ManagerId, number>): ManagerId[] {
  const score = (managerId: ManagerId, weight: number) => -weight / Math.log(unitHash(`${nodeId}/${managerId}`));
  return [...weights]
    .map(([managerId, weight]) => ({ managerId, score: score(managerId, weight) }))
    .toSorted((left, right) => right.score - left.score)
    .map(({ managerId }) => managerId);
}

/** A number between 0 and 1, both excluded, that is evenly spread over texts. */
function unitHash(text: string): number {
  const high = createHash('sha256').update(text).digest().readUIntBE(0, 6);
  return (high + 0.5) / 2 ** 48;
}
