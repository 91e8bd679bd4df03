import type { Engine } from '../../engine-api.ts';
import type { Node } from '../../keyspace/node.ts';
import type { PersistenceSettings } from '../settings.ts';

/** The standalone server whose data is kept. */
export interface Served {
  readonly node: Node;
  /** Not before the data is loaded for the first time. */
  readonly engine: Engine | undefined;
  /** As they are now. */
  readonly settings: PersistenceSettings;
  readonly log: (line: string) => void;
}

/** Lines of INFO's section. */
export type InfoLines = readonly (readonly [name: string, value: string | number])[];
