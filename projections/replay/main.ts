/** `npm run replay`: folds the exported history with the deciders alone and shows what it leads to. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { backupDecider } from '#domains/backup/decider.ts';
import { nodeDecider } from '#domains/node/decider.ts';
import { tenantDecider } from '#domains/tenant/decider.ts';
import { bigintLiterals } from '#gateway/json.ts';
import { Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';

import { compareWithLive, type Difference, type Replayed } from './compare.ts';
import { startReplay, type Evolver, type Replay, type Thing } from './fold.ts';
import { fetchHistory, HistoryProblem, readHistoryFile, type Gateway, type HistoryEvent } from './history.ts';
import { showBackup, showNode, showTenant, type Shown } from './shapes.ts';

/** Each list of the API: the category of streams it comes from, the decider that knows their state, and how a thing is shown. */
const lists = {
  tenants: listed('tenant', tenantDecider, showTenant),
  nodes: listed('node', nodeDecider, showNode),
  backups: listed('backup', backupDecider, showBackup),
} as const;

function listed<State>(category: string, decider: Evolver<State>, show: (thing: Thing<State>) => Shown) {
  return { category, decider: decider as Evolver<unknown>, show: show as (thing: Thing) => Shown };
}

type ListName = keyof typeof lists;
const names = Object.keys(lists) as ListName[];

interface Options {
  readonly from: bigint;
  readonly file?: string;
  readonly url?: string;
  readonly key?: string;
  readonly filtered: boolean;
  readonly json: boolean;
  readonly compare: boolean;
}

const program = new Command('replay')
  .description('Folds the history with the deciders alone, without a database, and shows tenants, nodes and backups.')
  .requiredOption('--from <position>', 'the first position of the history; 0 for all of it', position)
  .option('--file <file>', 'a history exported by GET /v1/events (- for standard input); default: ask the gateway')
  .option('--url <url>', 'the gateway; default: that of $MINIREDIS_HOME/credentials.json')
  .option('--key <api key>', 'an API key that may read everything; default: that of $MINIREDIS_HOME/credentials.json')
  .option('--filtered', 'the history is that of one tenant or category, so positions may be missing', false)
  .option('--json', 'print one JSON document', false)
  .option('--compare', 'compare with what the gateway shows; exit 1 at the first difference', false)
  // Mistakes in the command line end with 2, which no verdict does.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .action(async (options: Options) => {
    process.exitCode = await main(options);
  });

async function main(options: Options): Promise<number> {
  const { from, file, filtered } = options;
  if (options.compare && (from > 1n || filtered)) {
    console.error('--compare needs the whole history: --from 0, without --filtered.');
    return 2;
  }
  const deciders = Object.fromEntries(names.map((name) => [lists[name].category, lists[name].decider]));
  const replay = startReplay({ from, filtered, deciders });
  const history = file === undefined ? fetchHistory(await gatewayOf(options), from) : readHistoryFile(file);
  await addAll(replay, history);
  const difference = options.compare ? await compare(await gatewayOf(options), replay) : null;
  if (options.json) printJson(options, replay, difference);
  else printText(options, replay, difference);
  return difference === null ? 0 : 1;
}

async function addAll(replay: Replay, events: AsyncIterable<HistoryEvent>): Promise<void> {
  for await (const event of events) replay.add(event);
}

function compare(gateway: Gateway, replay: Replay): Promise<Difference | null> {
  const replayed: Replayed = {
    ids: (list) => [...replay.things(lists[list as ListName].category).keys()],
    shown(list, id) {
      const { category, show } = lists[list as ListName];
      const thing = replay.things(category).get(id);
      return thing === undefined ? undefined : show(thing);
    },
    async extendTo(to) {
      if (to > replay.seen.last) await addAll(replay, fetchHistory(gateway, replay.seen.last + 1n, to));
    },
  };
  return compareWithLive(gateway, replayed);
}

/** The things of a list, newest first, as the API orders them. */
function shownOf(replay: Replay, name: ListName): Shown[] {
  const { category, show } = lists[name];
  return [...replay.things(category).values()].map(show).sort((left, right) => (left.id < right.id ? 1 : -1));
}

function printJson({ from }: Options, replay: Replay, difference: Difference | null): void {
  const { seen, incomplete } = replay;
  const [present, deleted]: Record<string, Shown[]>[] = [{}, {}];
  for (const name of names) {
    const all = shownOf(replay, name);
    Object.assign(present ?? {}, { [name]: all.filter(({ state }) => state !== 'deleted') });
    Object.assign(deleted ?? {}, { [name]: all.filter(({ state }) => state === 'deleted') });
  }
  const compared = difference === null ? {} : { difference };
  const known = incomplete.size === 0 ? {} : { incomplete: [...incomplete].filter(isShown) };
  const counts = { from, position: seen.last, events: seen.events };
  console.log(JSON.stringify({ ...counts, ...present, deleted, ...known, ...compared }, bigintLiterals, 2));
}

function printText(
  { from, filtered, compare: compared }: Options,
  replay: Replay,
  difference: Difference | null,
): void {
  const { seen, incomplete } = replay;
  const counts: string[] = [];
  for (const name of names) {
    const all = shownOf(replay, name);
    const deleted = all.filter(({ state }) => state === 'deleted').length;
    counts.push(`${all.length - deleted} ${name}${deleted === 0 ? '' : ` (and ${deleted} deleted)`}`);
    console.log(`${name}:`);
    for (const thing of all) console.log(`  ${JSON.stringify(thing)}`);
  }
  console.log(
    `Replayed ${seen.events} events with the deciders alone, positions ${seen.first ?? 0} to ${seen.last}, ` +
      `${filtered ? 'some left out' : 'no gap'}, versions in sequence.`,
  );
  const unknown = [...incomplete].filter(isShown);
  if (from > 1n) {
    console.log(`What was before position ${from} is unknown; what began there is shown, and nothing else.`);
    for (const stream of unknown) console.log(`  began before and was changed since: ${stream}`);
  }
  console.log(`They lead to ${counts.join(', ')}.`);
  if (!compared) return;
  if (difference === null) console.log('The live read models show the same, to the last field.');
  else {
    const { list, id, field, replayed, live } = difference;
    console.log(`The live read models differ first at ${list} ${id}${field === null ? '' : `, field ${field}`}:`);
    console.log(`  replayed: ${JSON.stringify(replayed)}\n  live:     ${JSON.stringify(live)}`);
  }
}

/** Whether the stream is of something that the lists show. */
const isShown = (stream: string) => names.some((name) => stream.startsWith(`${lists[name].category}-`));

const Credentials = z.object({ gatewayUrl: z.url(), apiKey: z.string() });

async function gatewayOf({ url, key }: Options): Promise<Gateway> {
  if (url !== undefined && key !== undefined) return { url, key };
  const file = path.join(path.resolve(process.env['MINIREDIS_HOME'] ?? './.miniredis'), 'credentials.json');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    throw new HistoryProblem(`There is no ${file}: start the platform, set MINIREDIS_HOME, or give --url and --key.`);
  }
  const { gatewayUrl, apiKey } = Credentials.parse(JSON.parse(text));
  return { url: url ?? gatewayUrl, key: key ?? apiKey };
}

function position(text: string): bigint {
  if (!/^\d{1,18}$/.test(text)) throw new InvalidArgumentError('A position is a whole number from 0.');
  return BigInt(text);
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof HistoryProblem)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
