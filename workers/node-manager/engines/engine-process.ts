/** The program of an engine process: it hosts nodes as the manager that forked it says, over IPC, and ends when that is gone. */
import { giveBackWhenIdle } from '#workers/resp/give-back.ts';

import type { EngineCalls, EngineSettings, ManagerCalls } from './calls.ts';
import { openChannel } from './channel.ts';
import { hostEngine, type HostedEngine } from './host-engine.ts';

let hosting: Promise<HostedEngine> | undefined;

function here(): Promise<HostedEngine> {
  return hosting ?? Promise.reject(new Error('The engine process was not told yet what to do.'));
}

async function begin(settings: EngineSettings) {
  process.title = `miniredis engine ${settings.index}`;
  hosting ??= hostEngine(settings, manager);
  return (await hosting).holding;
}

const manager = openChannel<EngineCalls, ManagerCalls>(process, {
  start: begin,
  serve: async (order) => (await here()).serve(order),
  close: async (nodeId) => (await here()).close(nodeId),
  drop: async ({ nodeId, partition }) => (await here()).drop(nodeId, partition),
  userFits: async (login) => (await here()).userFits(login),
  status: async () => (await here()).status(),
  async takeOver({ luggage, ticket }, handle) {
    if (handle !== undefined) (await here()).takeOver({ ...luggage, handle }, ticket);
  },
  othersUse: async (bytes) => (await here()).othersUse(bytes),
});

let ending = false;

async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  await (await hosting)?.stop();
  process.exit(0);
}

function crash(error: unknown): void {
  console.error(error);
  process.exit(1);
}

process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);
process.on('SIGTERM', () => void end().catch(crash));
// Without the manager nobody is let in, and nobody knows what becomes of the nodes.
process.on('disconnect', () => void end().catch(crash));
giveBackWhenIdle();
// It may have gone while this process was loading, and then nobody says so any more.
if (!process.connected) await end();
