import { setTimeout as sleep } from 'node:timers/promises';
import { noteDenial } from '../acl/log.ts';
import { DEFAULT_USER, fits, isEnabled, mayEnterFreely, restrictionOf } from '../acl/users.ts';
import type { AuthResult } from '../engine-api.ts';
import { WRONG_PASS } from '../protocol/errors.ts';
import type { Client } from './server.ts';
import { moveTo } from './session.ts';

const NOT_NOW = 'ERR Authentication is not possible right now, try again';
/** A server without a password finds a lone one strange. */
const NEEDLESS =
  'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?';

/**
 * Presents a password for a client; `by` is the command that does, as it was typed. `done` gets the error line of a
 * refusal, or undefined once the client belongs to the node; the client's input is held until then.
 */
export function login(
  client: Client,
  username: string | undefined,
  password: string,
  by: string,
  done: (refusal: string | undefined) => void,
): void {
  const { host } = client.server;
  const address = client.address.slice(0, client.address.lastIndexOf(':'));
  const refuse = (line = WRONG_PASS): void => {
    // Strangers at the door of the platform belong to no node whose log they could be in.
    const ofNode = client.authenticated || host.authenticate === undefined;
    if (ofNode && line.startsWith('WRONGPASS')) noteDenial(client, 'auth', by, username ?? DEFAULT_USER);
    done(line);
  };
  if (host.authenticate === undefined) {
    const name = username ?? DEFAULT_USER;
    if (username === undefined && mayEnterFreely(client.server)) {
      done(NEEDLESS);
      return;
    }
    if (fits(client.server, name, password)) {
      host.throttle.succeeded(address, name);
      become(client, name);
      done(undefined);
      return;
    }
    const { delay_ms } = host.throttle.failed(address, name);
    if (delay_ms === 0) refuse();
    else client.pending = sleep(delay_ms, undefined, { ref: false }).then(() => (client.gone ? undefined : refuse()));
    return;
  }
  const settle = (result: AuthResult): void => {
    // A client that left while it was waiting must not be counted among those of the node.
    if (client.gone) return;
    if (result.elsewhere !== undefined) {
      client.transport?.leave(result.elsewhere);
      return;
    }
    if (result.node === undefined || result.node.closed) {
      refuse(result.node === undefined ? result.refusal : undefined);
      return;
    }
    const server = host.serverOf(result.node);
    const name = result.aclUser ?? DEFAULT_USER;
    const privileged = result.privileged === true;
    if (!privileged && !isEnabled(server, name)) {
      refuse();
      return;
    }
    const { nodeClientsMax } = host.limits;
    if (!privileged && nodeClientsMax > 0 && server.clients.size >= nodeClientsMax) {
      server.node.rejectedConnections++;
      client.closing = true;
      done('ERR max number of clients reached');
      return;
    }
    moveTo(client, server);
    client.privileged = privileged;
    become(client, name);
    done(undefined);
  };
  const { admitted } = client;
  if (admitted !== undefined) {
    client.admitted = undefined;
    settle(admitted);
    return;
  }
  const result = host.authenticate({ ...(username === undefined ? {} : { username }), password, address });
  if (result instanceof Promise) {
    client.pending = result.catch(() => ({ refusal: NOT_NOW })).then(settle);
  } else settle(result);
}

function become(client: Client, user: string): void {
  client.authenticated = true;
  client.user = user;
  client.restrictedTo = client.privileged ? undefined : restrictionOf(client.server, user);
}
