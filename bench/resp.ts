/**
 * The RESP engine's speed, density and fairness, against a real redis-server in the same run: every figure of lines 10 to 15
 * of issue 4. `--only` takes the names of the groups below.
 */
import type { Bench } from './tools/figure.ts';
import { runGroups, type Group } from './tools/groups.ts';
import { benchConnections } from './resp/connections.ts';
import { benchDensity } from './resp/density.ts';
import { benchDurable } from './resp/durable.ts';
import { benchKeys } from './resp/keys.ts';
import { benchLatency } from './resp/latency.ts';
import { benchLogins } from './resp/logins.ts';
import { benchManyNodes } from './resp/many-nodes.ts';
import { benchNeighbour } from './resp/neighbour.ts';
import { benchSnapshot } from './resp/snapshot.ts';
import { benchPauses } from './resp/pauses.ts';
import { benchWake } from './resp/wake.ts';
import { benchEngine, benchPlatform } from './resp/single-node.ts';

const groups: Readonly<Record<string, Group>> = {
  engine: benchEngine,
  platform: benchPlatform,
  latency: benchLatency,
  durable: benchDurable,
  many: benchManyNodes,
  connections: benchConnections,
  logins: benchLogins,
  density: benchDensity,
  wake: benchWake,
  keys: benchKeys,
  snapshot: benchSnapshot,
  neighbour: benchNeighbour,
  pauses: benchPauses,
};

export const bench: Bench = (print, options) => runGroups(groups, print, options);
