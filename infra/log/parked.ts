import { setTimeout as sleep } from 'node:timers/promises';

import { listParked, requestReplay, skipParked, type ParkedStream } from '#infra/event-log/consumers/parked.ts';
import { UsageProblem, withPlatformLog, type PlatformLog } from '#infra/local/platform-log.ts';
import { InvalidArgumentError, type Command } from 'commander';

import { recordAct } from './record-act.ts';

/** What the exit codes of `replay` and `skip` say; 2 is what can't be understood or reached. */
const [delivered, parkedAgain, underWay] = [0, 1, 3];

const lookAgainEvery_ms = 200;

interface Choice {
  readonly group: string;
  readonly stream: string;
}

/** `parked list | show | replay | skip`: the streams that consumer groups have set aside after an event that they could not handle. */
export function addParkedCommands(program: Command): void {
  const parked = program.command('parked').description('streams set aside after an event that could not be handled');
  const group: [string, string] = ['--group <name>', 'the consumer group'];
  const stream: [string, string] = ['--stream <name>', 'the stream'];
  const wait: [string, string, (text: string) => number, number] = [
    '--wait <seconds>',
    'how long to wait for the outcome; 0: do not',
    wholeNumber,
    30,
  ];
  parked
    .command('list')
    .description('all of them, those that have waited longest first')
    .option(...group)
    .action((choice: Partial<Choice>) => run(({ pool }) => list(pool, choice)));
  parked
    .command('show')
    .description('the event that failed, why, and what waits behind it')
    .requiredOption(...group)
    .requiredOption(...stream)
    .action((choice: Choice) => run((parts) => show(parts, choice)));
  parked
    .command('replay')
    .description(
      'delivers again from the event that failed on; exit 0 when all is delivered, 1 when it failed again, 3 when it takes longer',
    )
    .requiredOption(...group)
    .option('--stream <name>', 'the stream; all of the group without it')
    .option(...wait)
    .action((choice: Partial<Choice> & { group: string; wait: number }) => run((parts) => replay(parts, choice)));
  parked
    .command('skip')
    .description('passes over the one event that failed and delivers what follows; exit codes as of replay')
    .requiredOption(...group)
    .requiredOption(...stream)
    .option('--version <number>', 'only if it is this version that failed', wholeNumber)
    .option(...wait)
    .action((choice: Choice & { version?: number; wait: number }) => run((parts) => skip(parts, choice)));
}

async function run(work: (parts: PlatformLog) => Promise<number>): Promise<void> {
  process.exitCode = await withPlatformLog('log', work);
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It is a whole number, 0 or more.');
  return Number(text);
}

async function list(pool: PlatformLog['pool'], choice: Partial<Choice>): Promise<number> {
  const found = await listParked(pool, choice);
  if (found.length === 0) console.log('Nothing is parked.');
  for (const one of found) console.log(`${one.group}  ${one.stream}  ${stateOf(one)}: ${firstLine(one.error)}`);
  return 0;
}

function stateOf({ type, version, parkedAt, replaying }: ParkedStream): string {
  if (replaying) return `being delivered again from version ${version} on; before`;
  return `since ${parkedAt.toISOString()} at version ${version} (${type})`;
}

async function show({ log, pool }: PlatformLog, choice: Choice): Promise<number> {
  const one = await onlyParked(pool, choice);
  const [event] = await log.readStream(one.stream, { fromVersion: one.version, limit: 1 });
  console.log(`group      ${one.group}, shard ${one.shard}`);
  console.log(`stream     ${one.stream}`);
  console.log(`event      version ${one.version}, position ${one.position}, ${one.type}, id ${one.eventId}`);
  if (event !== undefined) console.log(`           recorded ${event.recordedAt}, data ${shown(event.data)}`);
  console.log(`state      ${one.replaying ? 'being delivered again' : `parked since ${one.parkedAt.toISOString()}`}`);
  console.log(`attempts   ${one.attempts}`);
  console.log(`error      ${one.error.replaceAll('\n', '\n           ')}`);
  let behind = 0;
  for await (const batch of log.readStreamBatches(one.stream, { fromVersion: one.version + 1 })) behind += batch.length;
  console.log(`behind it  ${behind} ${behind === 1 ? 'event' : 'events'} on the stream`);
  return 0;
}

/** Positions and other 64-bit numbers with all their digits. */
function shown(data: unknown): string {
  return JSON.stringify(data, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}

async function replay(parts: PlatformLog, choice: Partial<Choice> & { group: string; wait: number }): Promise<number> {
  const { pool } = parts;
  const wanted = await listParked(pool, choice);
  if (wanted.length === 0) throw notParked(choice);
  for (const one of wanted) await record(parts, 'ReplayParked', one);
  await requestReplay(pool, choice);
  return outcomeOf(pool, wanted, choice.wait);
}

async function skip(parts: PlatformLog, choice: Choice & { version?: number; wait: number }): Promise<number> {
  const { pool } = parts;
  const one = await onlyParked(pool, choice);
  const version = choice.version ?? one.version;
  const possible = version === one.version && !one.replaying;
  if (possible) await record(parts, 'SkipParkedEvent', one);
  if (!possible || !(await skipParked(pool, one.group, one.stream, version))) {
    throw new UsageProblem(
      one.replaying
        ? `${one.stream} is being delivered again at this moment; look at it again.`
        : `${one.stream} is parked at version ${one.version}, not ${version}; look at it again.`,
    );
  }
  console.log(`Passed over version ${version} of ${one.stream} (${one.type}, id ${one.eventId}).`);
  return outcomeOf(pool, [one], choice.wait);
}

/** An entry in the timeline of the tenant whose event it is. */
async function record(
  { log }: PlatformLog,
  action: 'SkipParkedEvent' | 'ReplayParked',
  { group, stream, version, type, eventId }: ParkedStream,
): Promise<void> {
  const [event] = await log.readStream(stream, { fromVersion: version, limit: 1 });
  await recordAct(log, {
    action,
    target: { kind: 'consumer-group', id: group },
    tenantId: event?.metadata.tenantId ?? null,
    causationId: eventId,
    details: { stream, version: String(version), type },
  });
}

/** Waits until the owners of the shards have delivered the streams, or parked them again, and says what became of each. */
async function outcomeOf(pool: PlatformLog['pool'], wanted: readonly ParkedStream[], wait_s: number): Promise<number> {
  const end = performance.now() + wait_s * 1000;
  let waiting = [...wanted];
  let worst = delivered;
  for (;;) {
    const now = new Map((await listParked(pool, { group: wanted[0]?.group })).map((one) => [one.stream, one]));
    for (const { stream } of waiting) {
      const one = now.get(stream);
      if (one === undefined) console.log(`${stream}  delivered; it goes on with the others`);
      else if (!one.replaying) {
        console.log(`${stream}  failed again at version ${one.version} (${one.type}): ${firstLine(one.error)}`);
        worst = parkedAgain;
      }
    }
    waiting = waiting.filter(({ stream }) => now.get(stream)?.replaying === true);
    if (waiting.length === 0) return worst;
    if (performance.now() >= end) break;
    await sleep(lookAgainEvery_ms);
  }
  for (const { stream } of waiting) console.log(`${stream}  will be delivered by the process that holds its shard`);
  return worst === delivered && wait_s > 0 ? underWay : worst;
}

async function onlyParked(pool: PlatformLog['pool'], choice: Choice): Promise<ParkedStream> {
  const [one] = await listParked(pool, choice);
  if (one === undefined) throw notParked(choice);
  return one;
}

function notParked({ group, stream }: Partial<Choice>): UsageProblem {
  const what = stream === undefined ? `Nothing is parked for ${group}` : `${stream} is not parked for ${group}`;
  return new UsageProblem(`${what}; npm run log -- parked list shows what is.`);
}

function firstLine(error: string): string {
  return error.split('\n')[0] ?? '';
}
