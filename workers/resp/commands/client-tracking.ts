import type { Client } from '../clients/server.ts';
import { clientById } from '../clients/visible.ts';
import { startTracking, stopTracking } from '../clients/tracking.ts';
import type { ClientTracking } from '../clients/states.ts';
import { SYNTAX } from '../protocol/errors.ts';
import { integerArg } from './arguments.ts';

type Wanted = { -readonly [K in keyof ClientTracking]: ClientTracking[K] };

/** Reads the options of CLIENT TRACKING; when they make no sense, replies with the error and returns undefined. */
function optionsOf(client: Client, args: readonly string[]): Wanted | undefined {
  const { reply } = client;
  const wanted: Wanted = {
    redirect: 0,
    broadcast: false,
    optIn: false,
    optOut: false,
    noLoop: false,
    prefixes: [],
    caching: false,
    brokenRedirect: false,
  };
  for (let i = 3; i < args.length; i++) {
    const option = args[i]!.toUpperCase();
    const more = i + 1 < args.length;
    if (option === 'REDIRECT' && more) {
      if (wanted.redirect !== 0) {
        reply.error('ERR A client can only redirect to a single other client');
        return undefined;
      }
      const id = integerArg(client, args[++i]!);
      if (id === undefined) return undefined;
      if (clientById(client, id) === undefined) {
        reply.error('ERR The client ID you want redirect to does not exist');
        return undefined;
      }
      wanted.redirect = id;
    } else if (option === 'PREFIX' && more) wanted.prefixes = [...wanted.prefixes, args[++i]!];
    else if (option === 'BCAST') wanted.broadcast = true;
    else if (option === 'OPTIN') wanted.optIn = true;
    else if (option === 'OPTOUT') wanted.optOut = true;
    else if (option === 'NOLOOP') wanted.noLoop = true;
    else {
      reply.error(SYNTAX);
      return undefined;
    }
  }
  return wanted;
}

/** What is wrong with options that a client asks for in its present mode, as an error line. */
function problemOf(wanted: Wanted, now: ClientTracking | undefined): string | undefined {
  if (wanted.prefixes.length > 0 && !wanted.broadcast) return 'ERR PREFIX option requires BCAST mode to be enabled';
  if (now !== undefined && now.broadcast !== wanted.broadcast) {
    return "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.";
  }
  if (wanted.broadcast && (wanted.optIn || wanted.optOut)) {
    return 'ERR OPTIN and OPTOUT are not compatible with BCAST';
  }
  if (wanted.optIn && wanted.optOut) return "ERR You can't specify both OPTIN mode and OPTOUT mode";
  if ((wanted.optIn && now?.optOut === true) || (wanted.optOut && now?.optIn === true)) {
    return "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.";
  }
  return wanted.broadcast ? overlap(wanted.prefixes, now?.prefixes ?? []) : undefined;
}

function overlap(prefixes: readonly string[], known: readonly string[]): string | undefined {
  const collide = (a: string, b: string): boolean => a.startsWith(b) || b.startsWith(a);
  const end = 'Prefixes for a single client must not overlap.';
  for (const [i, prefix] of prefixes.entries()) {
    const old = known.find((other) => collide(prefix, other));
    if (old !== undefined) return `ERR Prefix '${prefix}' overlaps with an existing prefix '${old}'. ${end}`;
    const other = prefixes.slice(i + 1).find((later) => collide(prefix, later));
    if (other !== undefined) return `ERR Prefix '${prefix}' overlaps with another provided prefix '${other}'. ${end}`;
  }
  return undefined;
}

/** CLIENT TRACKING ON|OFF … */
export function tracking(client: Client, args: readonly string[]): void {
  const { reply } = client;
  const wanted = optionsOf(client, args);
  if (wanted === undefined) return;
  const mode = args[2]!.toUpperCase();
  if (mode === 'OFF') {
    stopTracking(client);
    reply.ok();
    return;
  }
  const now = client.tracking;
  const problem = mode === 'ON' ? problemOf(wanted, now) : SYNTAX;
  if (problem !== undefined) {
    reply.error(problem);
    return;
  }
  if (wanted.broadcast) {
    const prefixes = [...(now?.prefixes ?? []), ...wanted.prefixes];
    wanted.prefixes = prefixes.length === 0 ? [''] : prefixes;
  }
  startTracking(client, wanted);
  reply.ok();
}

/** CLIENT CACHING YES|NO: whether what the next command reads is to be tracked. */
export function caching(client: Client, args: readonly string[]): void {
  const { reply, tracking: now } = client;
  const answer = args[2]!.toUpperCase();
  if (now === undefined) {
    reply.error(
      'ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled',
    );
  } else if (answer !== 'YES' && answer !== 'NO') reply.error(SYNTAX);
  else if (answer === 'YES' && !now.optIn) {
    reply.error('ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.');
  } else if (answer === 'NO' && !now.optOut) {
    reply.error('ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.');
  } else {
    now.caching = true;
    reply.ok();
  }
}

/** CLIENT TRACKINGINFO */
export function trackingInfo({ reply, tracking: now }: Client): void {
  const flags = [now === undefined ? 'off' : 'on'];
  if (now?.broadcast === true) flags.push('bcast');
  if (now?.optIn === true) flags.push('optin', ...(now.caching ? ['caching-yes'] : []));
  if (now?.optOut === true) flags.push('optout', ...(now.caching ? ['caching-no'] : []));
  if (now?.noLoop === true) flags.push('noloop');
  if (now?.brokenRedirect === true) flags.push('broken_redirect');
  reply.map(3);
  reply.bulk('flags');
  reply.set(flags.length);
  for (const flag of flags) reply.bulk(flag);
  reply.bulk('redirect');
  reply.integer(redirection(now));
  reply.bulk('prefixes');
  reply.bulks(now?.prefixes ?? []);
}

/** The client that is told, 0 for the client itself, -1 while it does not track. */
export function redirection(now: ClientTracking | undefined): number {
  return now === undefined ? -1 : now.redirect;
}
