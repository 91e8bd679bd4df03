import type { Client, Server } from './server.ts';

/** The clients that a node's own users may know of: those of the platform are not among them. */
export function visibleClients(server: Server): Client[] {
  return [...server.clients.values()].filter(({ privileged }) => !privileged);
}

/** The client of an id, for one who asks: only those of the platform see each other. */
export function clientById(asker: Client, id: number): Client | undefined {
  const found = asker.server.clients.get(id);
  return found?.privileged === true && !asker.privileged ? undefined : found;
}

/** The clients that one who asks may see. */
export function clientsSeenBy(asker: Client): Client[] {
  return asker.privileged ? [...asker.server.clients.values()] : visibleClients(asker.server);
}

/** Whether a client waits for something: a key, a script, or the end of a pause. */
export function isWaiting(client: Client): boolean {
  return client.blocked !== undefined || client.server.pausedClients.has(client);
}
