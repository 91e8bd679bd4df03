import { memoryOf } from '../clients/memory.ts';
import type { Client } from '../clients/server.ts';
import { visibleClients } from '../clients/visible.ts';

/** A ratio of two sizes; 1 while there is nothing to compare. */
const ratio = (part: number, whole: number): number => (whole === 0 ? 1 : part / whole);

/** MEMORY STATS: a node's memory by what it is for. What a process has beside that is told only where the node is alone in it. */
export function memoryStats({ server, reply }: Client): void {
  const { node, host } = server;
  const used = node.usedBytes;
  node.peakBytes = Math.max(node.peakBytes, used);
  const resident = host.standalone ? process.memoryUsage.rss() : used;
  const clients = visibleClients(server).reduce((sum, client) => sum + memoryOf(client).total, 0);
  const databases = node.databases.filter((db) => db !== undefined && db.size > 0);
  const keys = databases.reduce((sum, db) => sum + db!.size, 0);
  const scripts = server.scripting?.sizes;
  const data = Math.max(0, used - node.overheadBytes);
  const integer = (value: number): (() => void) => {
    return () => reply.integer(Math.floor(value));
  };
  const double = (value: number): (() => void) => {
    return () => reply.double(value);
  };
  const fields: [string, () => void][] = [
    ['peak.allocated', integer(node.peakBytes)],
    ['total.allocated', integer(used)],
    ['startup.allocated', integer(0)],
    ['replication.backlog', integer(0)],
    ['clients.slaves', integer(0)],
    ['clients.normal', integer(clients)],
    ['cluster.links', integer(0)],
    ['aof.buffer', integer(0)],
    ['lua.caches', integer(scripts?.scriptBytes ?? 0)],
    ['functions.caches', integer(scripts?.functionBytes ?? 0)],
    ...databases.map((db): [string, () => void] => [
      `db.${db!.index}`,
      () => {
        reply.map(3);
        const tables = { main: db!.entries.bytes, expires: db!.expires.bytes, 'slot-to-keys': 0 };
        for (const [table, bytes] of Object.entries(tables)) {
          reply.bulk(`overhead.hashtable.${table}`);
          reply.integer(Math.floor(bytes));
        }
      },
    ]),
    ['overhead.total', integer(node.overheadBytes)],
    ['keys.count', integer(keys)],
    ['keys.bytes-per-key', integer(keys === 0 ? 0 : data / keys)],
    ['dataset.bytes', integer(data)],
    ['dataset.percentage', double(ratio(data, used) * 100)],
    ['peak.percentage', double(ratio(used, node.peakBytes) * 100)],
    ['allocator.allocated', integer(used)],
    ['allocator.active', integer(used)],
    ['allocator.resident', integer(resident)],
    ['allocator-fragmentation.ratio', double(1)],
    ['allocator-fragmentation.bytes', integer(0)],
    ['allocator-rss.ratio', double(1)],
    ['allocator-rss.bytes', integer(0)],
    ['rss-overhead.ratio', double(1)],
    ['rss-overhead.bytes', integer(0)],
    ['fragmentation', double(ratio(resident, used))],
    ['fragmentation.bytes', integer(resident - used)],
  ];
  reply.map(fields.length);
  for (const [name, write] of fields) {
    reply.bulk(name);
    write();
  }
}
