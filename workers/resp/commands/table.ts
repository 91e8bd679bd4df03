import { aclCommands } from './acl.ts';
import { bitFieldCommands } from './bitfield.ts';
import { bitmapCommands } from './bitmaps.ts';
import { functionCommands } from './functions.ts';
import { geoCommands } from './geo.ts';
import { hashCommands } from './hashes.ts';
import { hyperLogLogCommands } from './hyperloglog.ts';
import { lolwutCommands } from './lolwut.ts';
import { latencyCommands } from './latency.ts';
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
import { withHelp } from './help.ts';
import { keyCommands } from './keys.ts';
import { pubsubCommands } from './pubsub.ts';
import { register } from './registry.ts';
import { savingCommands } from './saving.ts';
import { scanCommands } from './scan.ts';
import { scriptingCommands } from './scripting.ts';
import { serverCommands } from './server.ts';
import { streamClaimCommands } from './stream-claims.ts';
import { streamGroupCommands } from './stream-groups.ts';
import { streamInfoCommands } from './stream-info.ts';
import { streamPendingCommands } from './stream-pending.ts';
import { streamRangeCommands } from './stream-ranges.ts';
import { streamReadCommands } from './stream-reads.ts';
import { streamCommands } from './streams.ts';
import { stringCounterCommands } from './string-counters.ts';
import { stringRangeCommands } from './string-ranges.ts';
import { stringCommands } from './strings.ts';
import { transactionCommands } from './transactions.ts';

import { waitCommands } from './wait.ts';
import { withheldCommands } from './withheld.ts';

/** Every command of the engine, one list per file; a new data type adds its list here. */
const lists = [
  aclCommands,
  connectionCommands,
  keyCommands,
  expiryCommands,
  scanCommands,
  stringCommands,
  stringCounterCommands,
  stringRangeCommands,
  bitFieldCommands,
  bitmapCommands,
  geoCommands,
  hashCommands,
  hyperLogLogCommands,
  latencyCommands,
  lolwutCommands,
  listMoveCommands,
  listCommands,
  objectCommands,
  setCommands,
  sortCommands,
  zsetCombineCommands,
  zsetPopCommands,
  zsetRangeCommands,
  zsetCommands,
  streamClaimCommands,
  streamGroupCommands,
  streamInfoCommands,
  streamPendingCommands,
  streamRangeCommands,
  streamReadCommands,
  streamCommands,
  transactionCommands,
  pubsubCommands,
  serverCommands,
  savingCommands,
  scriptingCommands,
  functionCommands,
  commandCommands,
  waitCommands,
  withheldCommands,
];

/** Fills the command table. */
export function registerCommands(): void {
  for (const list of lists) register(withHelp(list));
}
