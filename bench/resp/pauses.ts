/**
 * Pauses: what one tenant's long command does to another node in the same process. For each command that can take long, how
 * long the engine's event loop was kept at a time, and how long the other node's pings took. A quiet machine is needed: each
 * case is run several times, and its best time counts, since what else the machine does only ever adds.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '#infra/local/free-port.ts';
import { V8_FLAGS } from '#workers/resp/v8-flags.ts';
import type { BenchOptions, Print } from '../tools/figure.ts';
import { openClient, type PlainClient } from './pauses/client.ts';
import type { PauseGroup } from './pauses/group.ts';
import { listsAndHashesPauses } from './pauses/lists-and-hashes.ts';
import { setsPauses } from './pauses/sets.ts';
import { sortedSetsPauses } from './pauses/sorted-sets.ts';
import { streamsPauses } from './pauses/streams.ts';
import { stringsPauses } from './pauses/strings.ts';
import { keyspacePauses } from './pauses/keyspace.ts';
import { scriptsPauses } from './pauses/scripts.ts';
import { clientsPauses } from './pauses/clients.ts';
import type { Turns } from './pauses/watched-engine.ts';

const SIZE = 1_000_000;
const QUICK_SIZE = 200_000;
/** What a command of a million elements may keep the event loop at a time, apart from what V8 collects. */
const TURN_MAX_MS = 10;

const groups: readonly PauseGroup[] = [
  ...listsAndHashesPauses,
  ...setsPauses,
  ...sortedSetsPauses,
  ...streamsPauses,
  ...stringsPauses,
  ...keyspacePauses,
  ...scriptsPauses,
  ...clientsPauses,
];

interface Watched {
  readonly port: number;
  watch(): Promise<void>;
  report(): Promise<Turns & { readonly wait_ms: number }>;
  stop(): Promise<void>;
}

export async function benchPauses(print: Print, { rounds, quick, tests }: BenchOptions): Promise<void> {
  const size = quick ? QUICK_SIZE : SIZE;
  for (const group of groups) {
    const cases = group.cases.filter(
      ([name]) =>
        tests.length === 0 ||
        tests.some((test) => group.name.toUpperCase() === test || name.toUpperCase().startsWith(test)),
    );
    if (cases.length > 0) await measureGroup(print, { ...group, cases }, size, Math.min(rounds, 3));
  }
}

async function measureGroup(print: Print, group: PauseGroup, size: number, rounds: number): Promise<void> {
  const engine = await startWatched();
  const others: PlainClient[] = [];
  try {
    const client = await openClient(engine.port, 'big');
    await client.run(group.fill(size));
    for (let n = 0; n < (group.clients?.count ?? 0); n++) {
      const other = await openClient(engine.port, 'big');
      await other.run(group.clients?.run ?? []);
      others.push(other);
    }
    for (const [name, run, more = {}] of group.cases) {
      const seen: Awaited<ReturnType<Watched['report']>>[] = [];
      for (let round = 0; round < rounds; round++) {
        const { before = [] } = more;
        const ready = await attempt(name, () => client.run(typeof before === 'function' ? before(size) : before));
        if (!ready) break;
        await engine.watch();
        await attempt(name, () => client.run(run));
        seen.push(await engine.report());
      }
      const best = (of: (one: (typeof seen)[number]) => number): number => Math.min(...seen.map(of));
      const figure = (what: string, ours: number, atMost?: number): void =>
        print({
          name: `${name}: ${what}`,
          peer: null,
          ours,
          theirs: null,
          unit: 'ms',
          ...(atMost === undefined ? {} : { atMost }),
        });
      figure(
        'longest turn',
        best(({ longest_ms }) => longest_ms),
      );
      figure(
        '  work in it',
        best(({ work_ms }) => work_ms),
        TURN_MAX_MS,
      );
      figure(
        '  other node waited',
        best(({ wait_ms }) => wait_ms),
      );
    }
    client.close();
  } finally {
    for (const other of others) other.close();
    await engine.stop();
  }
}

/** Some cases are refused on purpose, or end a connection; the sweep goes on. */
async function attempt(name: string, work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message.slice(0, 200) : String(error)}`);
    return error instanceof Error && !error.message.startsWith('The engine');
  }
}

async function startWatched(): Promise<Watched> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'miniredis-bench-'));
  const durability = process.env['PAUSES_DURABILITY'] ?? 'everysec';
  const child = fork(
    join(import.meta.dirname, 'pauses/watched-engine.ts'),
    ['--port', String(port), '--durability', durability],
    { cwd: folder, execArgv: [...V8_FLAGS, ...(process.env['PAUSES_FLAGS']?.split(' ') ?? [])] },
  );
  await once(child, 'message');
  const pinger = fork(join(import.meta.dirname, 'pauses/pinger.ts'), [String(port)]);
  const asked = async <Answer>(word: string): Promise<Answer> => {
    child.send(word);
    const [answer] = (await once(child, 'message')) as [Answer];
    return answer;
  };
  const waited = async (): Promise<number> => {
    pinger.send('report');
    const [wait_ms] = (await once(pinger, 'message')) as [number];
    return wait_ms;
  };
  return {
    port,
    async watch() {
      await waited();
      await asked('watch');
    },
    async report() {
      const wait_ms = await waited();
      return { ...(await asked<Turns>('report')), wait_ms };
    },
    async stop() {
      pinger.disconnect();
      child.disconnect();
      await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
