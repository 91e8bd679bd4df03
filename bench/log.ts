/**
 * The event log's speed, against Emmett's PostgreSQL store and message-db on the same PostgreSQL in the same run: every figure of
 * lines 16 to 19 of issue 5, and what keeping states is worth (line 4). `growth` takes long and much disk, so it runs only when it is named.
 */
import type { Bench } from './tools/figure.ts';
import { runGroups, type Group } from './tools/groups.ts';
import { benchAppend } from './log/append.ts';
import { benchGrowth } from './log/growth.ts';
import { benchHistory } from './log/history.ts';
import { benchHotStream } from './log/hot-stream.ts';
import { benchRelay } from './log/relay.ts';
import { benchVisible } from './log/visible.ts';

const groups: Readonly<Record<string, Group>> = {
  append: benchAppend,
  history: benchHistory,
  visible: benchVisible,
  'hot-stream': benchHotStream,
  relay: benchRelay,
  growth: benchGrowth,
};

export const bench: Bench = (print, options) => runGroups(groups, print, options, ['growth']);
