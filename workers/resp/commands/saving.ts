import type { Client } from '../clients/server.ts';
import type { Saving } from '../engine-api.ts';
import { SYNTAX } from '../protocol/errors.ts';
import type { CommandSpec, Run } from './command.ts';

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

const IN_PROGRESS = 'ERR Background save already in progress';

const save = withSaving((client, saving) => {
  if (saving.inProgress) {
    client.reply.error(IN_PROGRESS);
    return;
  }
  client.pending = saving.save().then(
    () => client.reply.ok(),
    () => client.reply.error('ERR'),
  );
});

const bgSave = withSaving(({ reply }, saving, args) => {
  const scheduled = args[1]?.toUpperCase() === 'SCHEDULE';
  if (args.length > 2 || (args.length === 2 && !scheduled)) reply.error(SYNTAX);
  else if (saving.inProgress && !scheduled) reply.error(IN_PROGRESS);
  else {
    reply.simple(saving.inProgress ? 'Background saving scheduled' : 'Background saving started');
    // A failure is logged, and seen in INFO.
    saving.save().catch(() => undefined);
  }
});

const rewrite = withSaving(({ reply }, saving) => {
  saving.rewrite().catch(() => undefined);
  reply.simple('Background append only file rewriting started');
});

function lastSave({ server: { host }, reply }: Client): void {
  reply.integer(Math.floor((host.saving?.lastSaveMs ?? host.startedAtMs) / 1000));
}

const row = (name: string, arity: number, flags: string, since: string, summary: string, run: Run): CommandSpec => ({
  name,
  arity,
  flags,
  group: 'server',
  since,
  summary,
  run,
  acl: 'admin dangerous',
});

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
];
