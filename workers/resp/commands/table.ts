import { bitFieldCommands } from './bitfield.ts';
import { bitmapCommands } from './bitmaps.ts';
import { hashCommands } from './hashes.ts';
import { listMoveCommands } from './list-moves.ts';
import { listCommands } from './lists.ts';
import { objectCommands } from './objects.ts';
import { setCommands } from './sets.ts';
import { sortCommands } from './sort.ts';
import { zsetCombineCommands } from './zset-combine.ts';
import { zsetPopCommands } from './zset-pops.ts';
import { zsetRangeCommands } from './zset-ranges.ts';
import { zsetCommands } from './zsets.ts';
import { commandCommands } from './command-command.ts';
import { connectionCommands } from './connection.ts';
import { expiryCommands } from './expiry.ts';
import { keyCommands } from './keys.ts';
import { pubsubCommands } from './pubsub.ts';
import { register } from './registry.ts';
import { savingCommands } from './saving.ts';
import { scanCommands } from './scan.ts';
import { scriptingCommands } from './scripting.ts';
import { serverCommands } from './server.ts';
import { stringCounterCommands } from './string-counters.ts';
import { stringRangeCommands } from './string-ranges.ts';
import { stringCommands } from './strings.ts';
import { transactionCommands } from './transactions.ts';

/** Every command of the engine, one list per file; a new data type adds its list here. */
const lists = [
  connectionCommands,
  keyCommands,
  expiryCommands,
  scanCommands,
  stringCommands,
  stringCounterCommands,
  stringRangeCommands,
  bitFieldCommands,
  bitmapCommands,
  hashCommands,
  listMoveCommands,
  listCommands,
  objectCommands,
  setCommands,
  sortCommands,
  zsetCombineCommands,
  zsetPopCommands,
  zsetRangeCommands,
  zsetCommands,
  transactionCommands,
  pubsubCommands,
  serverCommands,
  savingCommands,
  scriptingCommands,
  commandCommands,
];

/** Fills the command table. */
export function registerCommands(): void {
  for (const list of lists) register(list);
}
