import { clock } from '../keyspace/clock.ts';
import type { Client } from './server.ts';

function flagsOf(client: Client): string {
  let flags = '';
  if (client.subscriptions > 0) flags += 'P';
  if (client.transaction !== undefined) flags += 'x';
  if (client.blocked !== undefined) flags += 'b';
  if (client.watcher?.dirty === true) flags += 'd';
  if (client.closing) flags += 'c';
  if (client.tracking !== undefined) flags += client.tracking.broadcast ? 'tB' : 't';
  if (client.tracking?.brokenRedirect === true) flags += 'R';
  if (client.server.monitors?.has(client) === true) flags += 'O';
  if (client.noEvict) flags += 'e';
  if (client.noTouch) flags += 'T';
  return flags === '' ? 'N' : flags;
}

/** One line of CLIENT LIST, without the line end. */
export function describeClient(client: Client): string {
  const { input, output } = client.transport?.sizes() ?? { input: 0, output: 0 };
  const seconds = (sinceMs: number): number => Math.max(0, Math.floor((clock.now - sinceMs) / 1000));
  const multi = client.transaction?.queue.length ?? -1;
  const fields = [
    `id=${client.id} addr=${client.address} laddr=${client.localAddress} fd=${client.id + 7} name=${client.name}`,
    `age=${seconds(client.createdAtMs)} idle=${seconds(client.lastActiveMs)} flags=${flagsOf(client)}`,
    `db=${client.db.index} sub=${client.channels?.size ?? 0} psub=${client.patterns?.size ?? 0}`,
    `ssub=${client.shardChannels?.size ?? 0} multi=${multi} qbuf=${input} qbuf-free=0 argv-mem=0 multi-mem=0`,
    `rbs=1024 rbp=0 obl=${output} oll=0 omem=${output} tot-mem=${1024 + input + output} events=r`,
    `cmd=${client.lastCommand === '' ? 'NULL' : client.lastCommand} user=${client.user} redir=${client.tracking?.redirect ?? -1}`,
    `resp=${client.reply.resp3 ? 3 : 2} lib-name=${client.libName} lib-ver=${client.libVersion}`,
  ];
  return fields.join(' ');
}
