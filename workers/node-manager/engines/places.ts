/** Where nodes are and what they were promised, so that new ones go where there is most room. */
export interface Places {
  /** The partition with the least promised memory, and of several the one with the fewest nodes. */
  next(): number;
  note(nodeId: string, partition: number, memoryMb: number): void;
  forget(nodeId: string): void;
}

interface Place {
  readonly partition: number;
  readonly memoryMb: number;
}

/** Nodes that are assigned already count, without memory until they are served. New ones go to partitions below `count`. */
export function createPlaces(
  count: number,
  assigned: Iterable<string>,
  partitionOf: (nodeId: string) => number | undefined,
): Places {
  const places = new Map<string, Place>();
  const nodes = new Map<number, number>();
  const promisedMb = new Map<number, number>();

  function add({ partition, memoryMb }: Place, sign: 1 | -1): void {
    // What several partitions have in common is their process.
    const at = partition % count;
    nodes.set(at, (nodes.get(at) ?? 0) + sign);
    promisedMb.set(at, (promisedMb.get(at) ?? 0) + sign * memoryMb);
  }

  function forget(nodeId: string): void {
    const place = places.get(nodeId);
    if (place === undefined) return;
    add(place, -1);
    places.delete(nodeId);
  }

  function note(nodeId: string, partition: number, memoryMb: number): void {
    forget(nodeId);
    const place = { partition, memoryMb };
    places.set(nodeId, place);
    add(place, 1);
  }

  for (const nodeId of assigned) note(nodeId, partitionOf(nodeId) ?? 0, 0);
  return {
    next() {
      const load = (at: number) => [promisedMb.get(at) ?? 0, nodes.get(at) ?? 0] as const;
      let best = 0;
      for (let at = 1; at < count; at += 1) {
        const [[memory, many], [leastMemory, fewest]] = [load(at), load(best)];
        if (memory < leastMemory || (memory === leastMemory && many < fewest)) best = at;
      }
      return best;
    },
    note,
    forget,
  };
}
