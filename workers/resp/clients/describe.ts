import { clock } from '../keyspace/clock.ts';
import { memoryOf } from './memory.ts';
import type { Client } from './server.ts';
import { isWaiting } from './visible.ts';

function flagsOf(client: Client): string {
  const { tracking } = client;
  let flags = '';
  if (client.server.monitors?.has(client) === true) flags += 'O';
  if (client.subscriptions > 0) flags += 'P';
  if (client.transaction !== undefined) flags += 'x';
  if (isWaiting(client)) flags += 'b';
  if (tracking !== undefined) flags += 't';
  if (tracking?.brokenRedirect === true) flags += 'R';
  if (tracking?.broadcast === true) flags += 'B';
  if (client.watcher?.dirty === true) flags += 'd';
  if (client.closing) flags += 'c';
  if (client.noEvict) flags += 'e';
  if (client.noTouch) flags += 'T';
  return flags === '' ? 'N' : flags;
}

/** The bytes of a request on the wire. */
function onWire(request: readonly string[]): number {
  const header = (length: number): number => String(length).length + 3;
  return request.reduce((sum, word) => sum + header(word.length) + word.length + 2, header(request.length));
}

/**
 * One line of CLIENT LIST, without the line end. `request` is the one that the client itself asks this with: it still lies in
 * Redis's buffers then.
 */
export function describeClient(client: Client, request: readonly string[] = []): string {
  const memory = memoryOf(client);
  const asking = request.length > 0;
  const input = memory.input + (asking ? onWire(request) : 0);
  const words = request.reduce((sum, word) => sum + word.length, 0) + memory.request;
  const seconds = (sinceMs: number): number => Math.max(0, Math.floor((clock.now - sinceMs) / 1000));
  const multi = client.transaction?.queue.length ?? -1;
  const fields = [
    `id=${client.id} addr=${client.address} laddr=${client.localAddress} fd=${client.id + 7} name=${client.name}`,
    `age=${seconds(client.createdAtMs)} idle=${seconds(client.lastActiveMs)} flags=${flagsOf(client)}`,
    `db=${client.db.index} sub=${client.channels?.size ?? 0} psub=${client.patterns?.size ?? 0}`,
    `ssub=${client.shardChannels?.size ?? 0} multi=${multi} qbuf=${input} qbuf-free=${asking ? 20_448 : 0} argv-mem=${words}`,
    `multi-mem=${memory.queued} rbs=1024 rbp=0 obl=0 oll=${memory.output > 0 ? 1 : 0} omem=${memory.output}`,
    `tot-mem=${memory.total + words} events=${memory.output > 0 ? 'rw' : 'r'}`,
    `cmd=${client.lastCommand === '' ? 'NULL' : client.lastCommand} user=${client.user} redir=${client.tracking?.redirect ?? -1}`,
    `resp=${client.reply.resp3 ? 3 : 2} lib-name=${client.libName} lib-ver=${client.libVersion}`,
  ];
  return fields.join(' ');
}
