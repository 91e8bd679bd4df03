import type { Client, Server } from '../clients/server.ts';
import type { Lines } from './info-lines.ts';
import { clientLines, cpuLines, memoryLines, persistenceLines, replicationLines, serverLines } from './info-server.ts';
import { commandLines, debugLines, errorLines, keyspaceLines, latencyLines, statsLines } from './info-stats.ts';

interface Section {
  readonly title: string;
  readonly lines: (server: Server) => Lines;
  /** Shown when nothing is named; others only by their names, or with `shown`. */
  readonly usual: boolean;
  /** The words beside its name that show it; `default` shows the usual ones. */
  readonly shown: readonly string[];
}

const section = (
  title: string,
  lines: Section['lines'],
  shown: readonly string[] = ['default', 'all', 'everything'],
): Section => ({
  title,
  lines,
  usual: shown.includes('default'),
  shown,
});

/** In Redis's order. */
const sections: ReadonlyMap<string, Section> = new Map(
  [
    section('Server', serverLines),
    section('Clients', clientLines),
    section('Memory', memoryLines),
    section('Persistence', persistenceLines),
    section('Stats', statsLines),
    section('Replication', replicationLines),
    section('CPU', cpuLines),
    section('Modules', () => []),
    section('Commandstats', commandLines, ['all', 'everything']),
    section('Errorstats', errorLines),
    section('Latencystats', latencyLines, ['all', 'everything']),
    section('Cluster', () => [['cluster_enabled', 0]]),
    section('Keyspace', keyspaceLines),
    section('Debug', debugLines, []),
  ].map((one) => [one.title.toLowerCase(), one]),
);

/** The sections asked for, or the usual ones. */
export function info(client: Client, args: readonly string[]): void {
  const names = new Set(args.slice(1).map((name) => name.toLowerCase()));
  const wanted = [...sections].filter(
    ([name, { usual, shown }]) =>
      (names.size === 0 && usual) || names.has(name) || shown.some((word) => names.has(word)),
  );
  const text = wanted.map(([, { title, lines }]) => {
    const body = lines(client.server).map(([name, value]) => `${name}:${value}\r\n`);
    return `# ${title}\r\n${body.join('')}`;
  });
  client.reply.verbatim(text.join('\r\n'));
}
