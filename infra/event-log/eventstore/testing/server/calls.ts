import type { Metadata } from '@grpc/grpc-js';

import { errors } from './replies.ts';

/** A call as a test may want to meddle with it. */
export interface Rpc {
  readonly method: string;
  /** The name that the client's connection string gave it. */
  readonly connection: string;
  readonly stream: string;
}

/** What is to become of a call: carried out; refused before anything was done; or carried out, and the answer lost. */
export type Fate = 'serve' | 'refuse' | 'lose-answer';

/** What every service of the server needs to know of its surroundings. */
export interface Surroundings {
  /** Decides over each call that reads or writes; a test may replace it at any time. */
  meddle: (rpc: Rpc) => Fate;
  /** Names and passwords; null where the server is insecure and lets everybody in. */
  readonly users: ReadonlyMap<string, string> | null;
}

const admin = 'admin';

/** Refuses who may not see a stream: anybody unknown, and for system streams anybody but the administrator. */
function authorize({ users }: Surroundings, metadata: Metadata, stream: string): void {
  if (users === null) return;
  const header = String(metadata.get('authorization')[0] ?? '');
  if (header === '') throw errors.accessDenied();
  const [name = '', password = ''] = Buffer.from(header.replace(/^Basic /i, ''), 'base64')
    .toString('utf8')
    .split(':');
  if (users.get(name) !== password) throw errors.unauthenticated();
  if (stream.startsWith('$') && stream !== '$all' && name !== admin) throw errors.accessDenied();
}

/** Authorizes a call and asks what is to become of it; throws what the client is to get. */
export function admit(surroundings: Surroundings, metadata: Metadata, method: string, stream: string): Fate {
  authorize(surroundings, metadata, stream);
  const fate = surroundings.meddle({ method, stream, connection: String(metadata.get('connection-name')[0] ?? '') });
  if (fate === 'refuse') throw errors.unavailable();
  return fate;
}
