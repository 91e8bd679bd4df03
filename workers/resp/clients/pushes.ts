import type { Reply } from '../protocol/reply.ts';
import type { Client, Server } from './server.ts';

/** Writes a message nobody asked for to a client; to the one whose command runs only after its reply. */
export function push(target: Client, write: (reply: Reply) => void): void {
  const { server } = target;
  if (server.current === target) (server.ownPushes ??= []).push(write);
  else {
    write(target.reply);
    target.transport?.schedule();
  }
}

/** Runs something as the command of a client, who gets what it brings about itself after the reply. */
export function runAs(client: Client, run: () => boolean): boolean {
  const { server } = client;
  const { current, ownPushes } = server;
  server.current = client;
  server.ownPushes = undefined;
  const done = run();
  deliverOwn(server, client);
  server.current = current;
  server.ownPushes = ownPushes;
  return done;
}

/** After a command has replied: its client gets the messages that it has brought about itself. */
export function deliverOwn(server: Server, client: Client): void {
  const pushes = server.ownPushes;
  if (pushes === undefined) return;
  server.ownPushes = undefined;
  for (const write of pushes) write(client.reply);
}
