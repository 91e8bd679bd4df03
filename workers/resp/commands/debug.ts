import type { Client } from '../clients/server.ts';
import { clock } from '../keyspace/clock.ts';
import { setActiveExpiry } from '../keyspace/expiry.ts';
import { idleMs } from '../keyspace/usage.ts';
import { wrongSubcommand } from '../protocol/errors.ts';
import { parseDouble, parseInteger } from '../protocol/numbers.ts';
import { integerFrom } from './arguments.ts';
import { parseMemory } from '../config/kinds.ts';
import type { Run } from './command.ts';
import { nodeDigest, valueDigest } from './debug-digest.ts';
import { protocolExample } from './debug-protocol.ts';
import { reload } from './debug-reload.ts';
import { reloadAof, reloadDump } from './saving.ts';
import { setUnrestricted } from '../scripting/unrestricted.ts';
import { encodingOf } from './objects.ts';

/** A subcommand of DEBUG: how many words a request has, its name included, and what HELP says of it. */
interface Debugging {
  readonly words: readonly [min: number, max: number];
  readonly help: readonly [usage: string, explanation: string];
  readonly run: Run;
}

const NO_KEY = 'ERR no such key';
const accepted: Run = ({ reply }) => reply.ok();

/** Redis stands still as well: that is what the command is for. */
const sleep: Run = ({ reply }, args) => {
  const milliseconds = Math.max(0, (parseDouble(args[2]!) ?? 0) * 1000);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
  reply.ok();
};

const object: Run = ({ db, node, reply, server }, args) => {
  const key = args[2]!;
  const value = db.entries.get(key);
  if (value === undefined) {
    reply.error(NO_KEY);
    return;
  }
  const encoding = encodingOf(value, node);
  const length = server.host.codec?.serializeValue(value).length ?? 0;
  const idle = Math.floor(idleMs(db, key) / 1000);
  const usedAt = Math.floor((clock.now - idleMs(db, key)) / 1000) % 2 ** 24;
  const nodes = encoding === 'quicklist' ? ' ql_nodes:1 ql_avg_node:1.00 ql_listpack_max:-2 ql_compressed:0' : '';
  reply.simple(
    `Value at:0x7f0000000000 refcount:1 encoding:${encoding} serializedlength:${Math.max(0, length - 11)} lru:${usedAt} lru_seconds_idle:${idle}${nodes}`,
  );
};

const populate: Run = (client, args) => {
  const count = integerFrom(client, args[2]!, 0, 'ERR value is out of range, must be positive');
  const size =
    args[4] === undefined ? 0 : integerFrom(client, args[4], 0, 'ERR value is out of range, must be positive');
  if (count === undefined || size === undefined) return;
  const { db, reply } = client;
  for (let i = 0; i < count; i++) {
    const key = `${args[3] ?? 'key'}:${i}`;
    const text = `value:${i}`;
    if (db.peek(key) === undefined) db.put(key, size === 0 ? text : text.slice(0, size).padEnd(size, '\0'));
  }
  reply.ok();
};

const digestValues: Run = ({ db, reply }, args) => {
  reply.array(args.length - 2);
  for (const key of args.slice(2)) reply.simple(valueDigest(db, key));
};

const reloadWith: Run = (client, args) => {
  if (args.slice(2).every((option) => /^(?:merge|noflush|nosave)$/i.test(option))) {
    if (!reloadDump(client, args)) reload(client);
  } else client.reply.error('ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.');
};

const packedThreshold: Run = ({ reply }, args) => {
  const bytes = parseMemory(args[2]!);
  if (bytes !== undefined && bytes <= 4 * 1024 ** 3 - 1024 ** 2) reply.ok();
  else reply.error('ERR argument must be a memory value bigger than 1 and smaller than 4gb');
};

const activeExpire: Run = ({ node, reply }, args) => {
  setActiveExpiry(node, (parseInteger(args[2]!) ?? 0) !== 0);
  reply.ok();
};

const denyScripts: Run = ({ reply, server }, args) => {
  setUnrestricted(server, (parseInteger(args[2]!) ?? 0) !== 0);
  reply.ok();
};

const sdsLength: Run = ({ db, reply }, args) => {
  const value = db.entries.get(args[2]!);
  if (value === undefined) reply.error(NO_KEY);
  else if (typeof value !== 'string' && value.kind !== 'string') reply.error('ERR Not an sds encoded string.');
  else {
    const [key, text] = [args[2]!.length, value.length];
    reply.simple(
      `key_sds_len:${key}, key_sds_avail:0, key_zmalloc: ${key + 8}, val_sds_len:${text}, val_sds_avail:0, val_zmalloc: ${text + 8}`,
    );
  }
};

/** The server prints nothing: there is no listpack. Whether the encoding fits is still told. */
const printed =
  (encoding: string, name: string): Run =>
  ({ db, node, reply }, args) => {
    const value = db.entries.get(args[2]!);
    if (value === undefined) reply.error(NO_KEY);
    else if (encodingOf(value, node) === encoding) reply.simple(`${name} structure printed on stdout`);
    else reply.error(`ERR Not a ${encoding} encoded object.`);
  };

const tableStats = (name: string, size: number): string =>
  `${name}Hash table 0 stats (main hash table):\n table size: ${size === 0 ? 0 : 2 ** Math.ceil(Math.log2(size))}\n number of elements: ${size}\n`;

const databaseStats: Run = (client, args) => {
  const index = integerFrom(client, args[2]!, -Infinity, 'ERR value is not an integer or out of range');
  if (index === undefined) return;
  const { node, reply } = client;
  if (index < 0 || index >= 16) {
    reply.error('ERR Out of range database');
    return;
  }
  const db = node.databases[index];
  reply.verbatim(tableStats('[Dictionary HT]\n', db?.size ?? 0) + tableStats('[Expires HT]\n', db?.expires.size ?? 0));
};

const keyStats: Run = ({ db, node, reply }, args) => {
  const value = db.entries.get(args[2]!);
  if (value === undefined) reply.error(NO_KEY);
  else if (/^(?:hashtable|skiplist)$/.test(encodingOf(value, node)) && typeof value !== 'string' && 'size' in value)
    reply.verbatim(tableStats('', value.size));
  else reply.error('ERR The value stored at the specified key is not represented using an hash table');
};

const subcommands: Readonly<Record<string, Debugging>> = {
  'change-repl-id': { words: [2, 2], help: ['CHANGE-REPL-ID', 'Does nothing here.'], run: accepted },
  digest: {
    words: [2, 2],
    help: ['DIGEST', 'Output a hex signature representing the current DB content.'],
    run: ({ node, reply }) => reply.simple(nodeDigest(node)),
  },
  'digest-value': {
    words: [2, Infinity],
    help: ['DIGEST-VALUE <key> [<key> ...]', 'Output a hex signature of the values of all the specified keys.'],
    run: digestValues,
  },
  error: {
    words: [3, 3],
    help: ['ERROR <string>', 'Return a Redis protocol error with <string> as message.'],
    run: ({ reply }, args) => reply.error(args[2]!.replace(/[\r\n]/g, ' ')),
  },
  htstats: {
    words: [3, 4],
    help: ['HTSTATS <dbid> [full]', 'Return hash table statistics of the specified Redis database.'],
    run: databaseStats,
  },
  'htstats-key': {
    words: [3, 4],
    help: ['HTSTATS-KEY <key> [full]', "Like HTSTATS but for the hash table stored at <key>'s value."],
    run: keyStats,
  },
  listpack: {
    words: [3, 3],
    help: ['LISTPACK <key>', 'Tell whether <key> has the listpack encoding.'],
    run: printed('listpack', 'Listpack'),
  },
  loadaof: {
    words: [2, 2],
    help: ['LOADAOF', 'Flush the AOF buffers on disk and reload the AOF in memory.'],
    run: (client) => {
      if (!reloadAof(client)) reload(client);
    },
  },
  log: { words: [3, 3], help: ['LOG <message>', 'Accept a message for the server log.'], run: accepted },
  object: {
    words: [3, 3],
    help: ['OBJECT <key>', 'Show low level info about `key` and associated value.'],
    run: object,
  },
  'pause-cron': { words: [3, 3], help: ['PAUSE-CRON <0|1>', 'Does nothing here.'], run: accepted },
  populate: {
    words: [3, 5],
    help: [
      'POPULATE <count> [<prefix>] [<size>]',
      'Create <count> string keys named key:<num>, or with <prefix> for key.',
    ],
    run: populate,
  },
  protocol: {
    words: [3, 3],
    help: ['PROTOCOL <type>', 'Reply with a test value of the specified type.'],
    run: ({ reply }, args) => protocolExample(reply, args[2]!),
  },
  quicklist: {
    words: [3, 4],
    help: ['QUICKLIST <key> [<0|1>]', 'Tell whether <key> has the quicklist encoding.'],
    run: printed('quicklist', 'Quicklist'),
  },
  'quicklist-packed-threshold': {
    words: [3, 3],
    help: ['QUICKLIST-PACKED-THRESHOLD <size>', 'Does nothing here: lists have no plain nodes.'],
    run: packedThreshold,
  },
  reload: {
    words: [2, Infinity],
    help: ['RELOAD [option ...]', 'Write all data down as it would be persisted and read it back.'],
    run: reloadWith,
  },
  replybuffer: { words: [4, 4], help: ['REPLYBUFFER <option> <value>', 'Does nothing here.'], run: accepted },
  sdslen: { words: [3, 3], help: ['SDSLEN <key>', 'Show the lengths of `key` and value.'], run: sdsLength },
  'set-active-expire': {
    words: [3, 3],
    help: ['SET-ACTIVE-EXPIRE <0|1>', 'Whether keys expire that nobody accesses.'],
    run: activeExpire,
  },
  'set-disable-deny-scripts': {
    words: [3, 3],
    help: ['SET-DISABLE-DENY-SCRIPTS <0|1>', 'Whether scripts may call every command.'],
    run: denyScripts,
  },
  sleep: { words: [3, 3], help: ['SLEEP <seconds>', 'Stop the server for <seconds>. Decimals allowed.'], run: sleep },
  'stringmatch-test': {
    words: [2, 2],
    help: ['STRINGMATCH-TEST', 'Does nothing here.'],
    run: ({ reply }) => reply.simple('Apparently Redis did not crash: test passed'),
  },
};

function help({ reply }: Client): void {
  const lines = Object.values(subcommands).flatMap(({ help: [usage, explanation] }) => [usage, `    ${explanation}`]);
  const first = 'DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:';
  const all = [first, ...lines, 'HELP', '    Print this help.'];
  reply.array(all.length);
  for (const line of all) reply.simple(line);
}

/** DEBUG, for those who test a server of their own; the platform's nodes refuse it. */
export const debug: Run = (client, args) => {
  const { reply, server } = client;
  const name = args[1]!.toLowerCase();
  if (name === 'help' && args.length === 2) {
    help(client);
    return;
  }
  if (!server.host.standalone) {
    reply.error(
      'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.',
    );
    return;
  }
  const found = subcommands[name];
  if (found !== undefined && args.length >= found.words[0] && args.length <= found.words[1]) found.run(client, args);
  else reply.error(wrongSubcommand('DEBUG', args[1]!));
};
