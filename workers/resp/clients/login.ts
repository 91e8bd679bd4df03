import type { AuthResult } from '../engine-api.ts';
import { WRONG_PASS } from '../protocol/errors.ts';
import type { Client } from './server.ts';
import { moveTo } from './session.ts';

const NOT_NOW = 'ERR Authentication is not possible right now, try again';
const TOO_MANY = 'ERR Too many failed authentications from this address, try again in a minute';

/**
 * Presents a password for a client. `done` gets the error line of a refusal, or undefined once the client belongs to the
 * node; the client's input is held until then.
 */
export function login(
  client: Client,
  username: string | undefined,
  password: string,
  done: (refusal: string | undefined) => void,
): void {
  const { host } = client.server;
  const address = client.address.slice(0, client.address.lastIndexOf(':'));
  if (!host.mayAuthenticate(address)) {
    done(TOO_MANY);
    return;
  }
  if (host.authenticate === undefined) {
    const open = username === undefined || username === 'default';
    done(open ? withoutPassword(client, username) : WRONG_PASS);
    return;
  }
  const settle = (result: AuthResult): void => {
    // A client that left while it was waiting must not be counted among those of the node.
    if (client.gone) return;
    if (result.node === undefined || result.node.closed) {
      host.authFailed(address);
      done((result.node === undefined ? result.refusal : undefined) ?? WRONG_PASS);
      return;
    }
    moveTo(client, host.serverOf(result.node));
    client.authenticated = true;
    client.privileged = result.privileged === true;
    client.user = username ?? 'default';
    done(undefined);
  };
  const result = host.authenticate({ ...(username === undefined ? {} : { username }), password, address });
  if (result instanceof Promise) {
    client.pending = result.catch(() => ({ refusal: NOT_NOW })).then(settle);
  } else settle(result);
}

/** A server without a password takes any for its default user, but finds a lone password strange. */
function withoutPassword(client: Client, username: string | undefined): string | undefined {
  if (username === undefined) {
    return 'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?';
  }
  client.authenticated = true;
  client.user = username;
  return undefined;
}
