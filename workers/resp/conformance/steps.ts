import { createGenerator, seeded } from './generate.ts';

/** Connections that send requests; one more waits in blocking commands. */
export const CONNECTIONS = 3;

/** One thing done to both servers. A run is a list of them, made from a seed, that can be cut down and done again. */
export type Step =
  | { readonly kind: 'send'; readonly connection: number; readonly request: readonly string[] }
  /** The last connection begins to wait. */
  | { readonly kind: 'block'; readonly request: readonly string[] }
  /** The last connection's reply is taken; when it still waits, its wait is ended first. */
  | { readonly kind: 'collect' }
  /** The connection that listens sends a request, and all that it has received is taken. */
  | { readonly kind: 'hear'; readonly request: readonly string[] }
  /** A key is made to expire, and has expired once this is done; outside any transaction. */
  | { readonly kind: 'expire'; readonly request: readonly string[] };

/** Commands that wait until someone gives them something; on one key, because 7.2 looks at several in another order than 7.0. */
const BLOCKING = [
  'BLPOP {L} 0',
  'BRPOP {L} 0',
  'BLMOVE {L} {L} LEFT|RIGHT LEFT|RIGHT 0',
  'BLMPOP 0 1 {L} LEFT|RIGHT COUNT 3',
  'BRPOPLPUSH {L} {L} 0',
  'BZPOPMIN {Z} 0',
  'BZPOPMAX {Z} 0',
  'BZMPOP 0 1 {Z} MIN|MAX COUNT 2',
  'XREAD BLOCK 0 STREAMS {E} $',
  'XREADGROUP GROUP {g} a|b BLOCK 0 STREAMS {E} >',
];

/** What the connection that listens does: it subscribes, and in RESP3 it has its reads tracked. */
const LISTENING = [
  'SUBSCRIBE {m} {m}',
  'PSUBSCRIBE {p}',
  'PSUBSCRIBE __key*__:*',
  'SSUBSCRIBE {m}',
  'UNSUBSCRIBE [{m}]',
  'PUNSUBSCRIBE [{p}]',
  'SUNSUBSCRIBE [{m}]',
  'PING [{v}]',
  'GET {S}',
  'MGET {K} {S}',
  'HGETALL {H}',
  'SMEMBERS {T}',
  'ZSCORE {Z} {m}',
  'CLIENT TRACKING ON [NOLOOP]',
  'CLIENT TRACKING ON OPTIN|OPTOUT',
  'CLIENT TRACKING OFF',
  'CLIENT CACHING YES|NO',
  'CLIENT TRACKINGINFO|GETREDIR',
  'SET {S} {v}',
];

/** Redis deletes a key at once whose time is over before the command is; on a machine under load that can be a few milliseconds. */
const EXPIRING = ['PEXPIRE {K} 10', 'SET {S} {v} PX 10', 'GETEX {S} PX 10'];

/** Most requests of a pipeline. */
export const PIPELINE_MAX = 50;

/** The steps of a seed: about as many requests as asked for. */
export function planSteps(seed: number, count: number): Step[] {
  const random = seeded(seed);
  const next = createGenerator(random);
  const nextBlocking = createGenerator(random, BLOCKING);
  const nextListening = createGenerator(random, LISTENING);
  const nextExpiring = createGenerator(random, EXPIRING);
  const steps: Step[] = [];
  const send = (connection: number, request: readonly string[]): void => {
    steps.push({ kind: 'send', connection, request });
  };
  for (let sent = 0; sent < count;) {
    const chance = random();
    const connection = chance < 0.6 ? 0 : Math.floor(random() * CONNECTIONS);
    const size = 1 + Math.floor(random() * PIPELINE_MAX);
    if (chance > 0.93) {
      steps.push({ kind: 'collect' }, { kind: 'block', request: nextBlocking() });
    } else if (chance > 0.9) {
      steps.push({ kind: 'expire', request: nextExpiring() });
    } else if (chance > 0.87) {
      // One of the connections becomes a user that may do some things only.
      send(0, ['DISCARD']);
      send(0, ['ACL', 'SETUSER', 'limited', 'reset', 'on', '>pw', ...rulesFor(random)]);
      send(2, ['RESET']);
      send(2, ['AUTH', 'limited', 'pw']);
    }
    if (chance < 0.3) steps.push({ kind: 'hear', request: nextListening() });
    for (let i = 0; i < size; i++) send(connection, next());
    sent += size;
  }
  steps.push({ kind: 'collect' }, { kind: 'hear', request: ['PING'] });
  return steps;
}

const RULES = ['+@all', '+@read', '+@write', '-@write', '+@string', '-@hash', '+get', '-set', '+select', '~*', '~S*', '%R~H*', '%W~L*', '&*']; // prettier-ignore

function rulesFor(random: () => number): string[] {
  // What a script may do is looked at in another order by 7.0.
  return [...RULES.filter(() => random() < 0.4), '-@scripting'];
}
