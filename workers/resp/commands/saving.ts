import type { Client } from '../clients/server.ts';
import type { Saving } from '../engine-api.ts';
import { SYNTAX } from '../protocol/errors.ts';
import type { CommandSpec, Run } from './command.ts';
import { keylessRowsOf } from './rows.ts';

/** Runs with what saves the data, which only a standalone server has. */
function withSaving(run: (client: Client, saving: Saving, args: readonly string[]) => void): Run {
  return (client, args) => {
    const { saving } = client.server.host;
    if (saving !== undefined) run(client, saving, args);
    else {
      const name = args[0]!.toUpperCase();
      client.reply.error(`ERR ${name} is not available here; make backups of the node through the platform's API.`);
    }
  };
}

const SAVE_IN_PROGRESS = 'ERR Background save already in progress';
const REWRITE_IN_PROGRESS = 'ERR Background append only file rewriting already in progress';
const OTHER_IN_PROGRESS =
  "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible.";

/** Replies OK once something was done, or with an error when it could not be. */
function replyWhenDone(client: Client, work: Promise<void>): void {
  client.pending = work.then(
    () => client.reply.ok(),
    (error: unknown) => client.reply.error(`ERR ${error instanceof Error ? oneLine(error.message) : 'it failed'}`),
  );
}

function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ');
}

const save = withSaving((client, saving) => {
  if (saving.inProgress) client.reply.error(SAVE_IN_PROGRESS);
  else {
    client.pending = saving.save().then(
      () => client.reply.ok(),
      () => client.reply.error('ERR'),
    );
  }
});

const bgSave = withSaving(({ reply }, saving, args) => {
  const scheduled = args[1]?.toUpperCase() === 'SCHEDULE';
  if (args.length > 2 || (args.length === 2 && !scheduled)) reply.error(SYNTAX);
  else if (saving.inProgress) reply.error(SAVE_IN_PROGRESS);
  else if (saving.rewriting && !scheduled) reply.error(OTHER_IN_PROGRESS);
  else if (saving.rewriting) {
    saving.scheduleSave();
    reply.simple('Background saving scheduled');
  } else {
    reply.simple('Background saving started');
    // A failure is logged, and seen in INFO.
    saving.save().catch(() => undefined);
  }
});

const rewrite = withSaving(({ reply }, saving) => {
  if (saving.rewriting) reply.error(REWRITE_IN_PROGRESS);
  else if (saving.inProgress) {
    saving.scheduleRewrite();
    reply.simple('Background append only file rewriting scheduled');
  } else {
    saving.rewrite().catch(() => undefined);
    reply.simple('Background append only file rewriting started');
  }
});

function lastSave({ server: { host }, reply }: Client): void {
  reply.integer(Math.floor((host.saving?.lastSaveMs ?? host.startedAtMs) / 1000));
}

/** Ends a standalone server, after the data was saved if that is wanted; when it can't be, the server goes on. */
function shutdown(client: Client, args: readonly string[]): void {
  const { reply, server } = client;
  const { host } = server;
  const words = args.slice(1).map((word) => word.toUpperCase());
  if (words.some((word) => !/^(?:SAVE|NOSAVE|NOW|FORCE|ABORT)$/.test(word))) reply.error(SYNTAX);
  else if (words.includes('SAVE') && words.includes('NOSAVE')) reply.error(SYNTAX);
  else if (words.includes('ABORT')) reply.error(words.length === 1 ? 'ERR No shutdown in progress.' : SYNTAX);
  else if (!host.standalone) {
    reply.error("ERR SHUTDOWN is not available here; stop the node through the platform's API.");
  } else {
    const end = (): void => {
      client.closing = true;
      host.shutdown();
    };
    const wish = words.includes('SAVE') ? 'save' : words.includes('NOSAVE') ? 'nosave' : undefined;
    const refuse = (): void => {
      if (words.includes('FORCE')) end();
      else reply.error('ERR Errors trying to SHUTDOWN. Check logs.');
    };
    if (host.saving === undefined) end();
    else client.pending = host.saving.saveForShutdown(wish).then(end, refuse);
  }
}

/** DEBUG LOADAOF: what is on the disk takes the place of what is in memory. False when nothing is kept on a disk. */
export function reloadAof(client: Client): boolean {
  const { saving } = client.server.host;
  if (saving === undefined) return false;
  replyWhenDone(client, saving.loadAof());
  return true;
}

/** DEBUG RELOAD [NOSAVE] [NOFLUSH] [MERGE], in the same way. */
export function reloadDump(client: Client, args: readonly string[]): boolean {
  const { saving } = client.server.host;
  if (saving === undefined) return false;
  const options = args.slice(2).map((word) => word.toUpperCase());
  const flush = !options.includes('NOFLUSH');
  replyWhenDone(client, saving.reload({ save: !options.includes('NOSAVE'), flush }));
  return true;
}

const row = keylessRowsOf('server', 'admin dangerous');

/** What writes the data to the disk at someone's wish. */
export const savingCommands: readonly CommandSpec[] = [
  row(
    'save',
    1,
    'admin noscript no_async_loading no_multi',
    '1.0.0',
    'Synchronously saves the database(s) to disk.',
    save,
  ),
  row(
    'bgsave',
    -1,
    'admin noscript no_async_loading',
    '1.0.0',
    'Asynchronously saves the database(s) to disk.',
    bgSave,
  ),
  row(
    'bgrewriteaof',
    1,
    'admin noscript no_async_loading',
    '1.0.0',
    'Asynchronously rewrites the append-only file to disk.',
    rewrite,
  ),
  row(
    'lastsave',
    1,
    'loading stale fast',
    '1.0.0',
    'Returns the Unix timestamp of the last successful save to disk.',
    lastSave,
  ),
  row(
    'shutdown',
    -1,
    'admin noscript loading stale no_multi allow_busy',
    '1.0.0',
    'Synchronously saves the database(s) to disk and shuts down the server.',
    shutdown,
  ),
];
